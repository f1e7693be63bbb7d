import { assertNever, type Behaviour, type CommandMeta, type Decision } from '../kernel/behaviour.ts'
import { contentHashOf } from './content-hash.ts'
import type { MemoryEvent } from './events.ts'
import type { Layer } from './place.ts'
import type { MemoryCommand } from './protocol.ts'

/**
 * One shard of a tenant's namespace.
 *   M1. A key has one memory: remembering it again replaces it, and says so.
 *   M2. The same content in the same scope under another key is said to be there, and kept all the same: each was accepted with
 *       a key, a time and tags of its own, and must outlive the other. Recall shows it once (recall.ts).
 *   M3. The working memory never holds more than its limit: the least important leave, of those the oldest.
 *   M4. What is over its time to live is removed by the shard itself, and is never counted as being there.
 *   M5. Every command leaves an event, which tells its outcome for as long as the journal is kept.
 *   M6. The state is small: counts and, of the working memory alone, what eviction weighs. It can be read from the rows
 *       as well as folded from the events (persistence/memory-rows.ts), so a recovery does not read a million events.
 */
export interface MemoryState {
  /** Rows there are, expired ones that are not removed yet included. */
  readonly live: number
  /** Of the working memory: all it holds. Empty in any other layer. */
  readonly items: readonly WorkingItem[]
}

export interface WorkingItem {
  readonly key: string
  readonly importance: number
  readonly createdAt: number
  readonly expiresAt?: number
}

/** What the actor looks up before it decides: the rows are not in the state (M6). */
export interface KnownOfKey {
  /** The row of this key, expired or not. */
  readonly existing?: { readonly createdAt: number; readonly expiresAt?: number }
  /** The key of another, live row with the same content in the same scope. */
  readonly duplicateOf?: string
}

export type KnownRemember = Extract<MemoryCommand, { kind: 'Remember' }> & { readonly known?: KnownOfKey }
/** `there`: those of its keys that have a row. */
export type KnownForget = Extract<MemoryCommand, { kind: 'Forget' }> & { readonly there?: readonly string[] }
/** The shard's own: some may be over their time. `tenant` and `namespace` are those of the rows. */
export interface Expire {
  readonly kind: 'Expire'
  readonly over?: {
    readonly tenant: string
    readonly namespace: string
    readonly keys: readonly string[]
  }
}

export type Command = KnownRemember | KnownForget | Expire
export type MemoryDecision = Decision<MemoryEvent, never>

export interface ShardLimits {
  readonly layer: Layer
  /** SOMA_CACHE_WM_LIMIT */
  readonly workingMemory: number
  readonly perShard: number
}

export function memoryBehaviour(limits: ShardLimits): Behaviour<MemoryState, Command, MemoryEvent, never> {
  const working = limits.layer === 'wm'

  function decide(state: MemoryState, command: Command, meta: CommandMeta): MemoryDecision {
    switch (command.kind) {
      case 'Remember':
        return { events: remember(state, command, meta) }
      case 'Forget': {
        const { namespace, author, decision, there = [] } = command
        return {
          events: [{ kind: 'MemoriesForgotten', tenant: meta.tenant, namespace, keys: there, author, decision }],
        }
      }
      case 'Expire':
        return { events: expired(command) }
      default:
        return assertNever(command)
    }
  }

  function remember(state: MemoryState, command: KnownRemember, meta: CommandMeta): readonly MemoryEvent[] {
    const { namespace, memory, ttlSeconds, author, decision, known = {} } = command
    const { tenant, now } = meta
    const asked = { tenant, namespace, author, decision }
    const { existing, duplicateOf } = known
    const isThere = existing !== undefined && !isOver(existing, now) // M4
    if (!working && existing === undefined && state.live >= limits.perShard) {
      const detail = `The part of ${namespace} that would keep this key holds ${state.live} memories, and no more fit.`
      return [{ kind: 'MemoryRefused', ...asked, key: memory.key, detail }]
    }
    const remembered: MemoryEvent = {
      kind: 'MemoryRemembered',
      ...asked,
      memory,
      createdAt: isThere ? existing.createdAt : now,
      ...(ttlSeconds !== undefined && { expiresAt: now + ttlSeconds * 1_000 }),
      replaced: existing !== undefined,
      ...(!isThere && duplicateOf !== undefined && { duplicateOf }), // M2
      contentHash: contentHashOf(memory),
    }
    const after = evolve(state, remembered)
    const surplus = working ? after.items.length - limits.workingMemory : 0
    if (surplus <= 0) return [remembered]
    const keys = leastOf(after.items, memory.key, surplus, now)
    return [remembered, { kind: 'MemoriesEvicted', tenant, namespace, keys }] // M3
  }

  /** Woken too early (what would have been over was forgotten or replaced), there is nothing to write. */
  function expired({ over }: Expire): readonly MemoryEvent[] {
    return over === undefined || over.keys.length === 0 ? [] : [{ kind: 'MemoriesExpired', ...over }]
  }

  function evolve(state: MemoryState, event: MemoryEvent): MemoryState {
    switch (event.kind) {
      case 'MemoryRemembered': {
        const { memory, createdAt, expiresAt, replaced } = event
        const item: WorkingItem = {
          key: memory.key,
          importance: memory.importance,
          createdAt,
          ...(expiresAt !== undefined && { expiresAt }),
        }
        return {
          live: state.live + (replaced ? 0 : 1),
          items: working ? [...without(state.items, [item.key]), item] : state.items,
        }
      }
      case 'MemoryRefused':
        return state
      case 'MemoriesForgotten':
      case 'MemoriesEvicted':
      case 'MemoriesExpired':
        return { live: state.live - event.keys.length, items: without(state.items, event.keys) }
      default:
        return assertNever(event)
    }
  }

  return { initial: { live: 0, items: [] }, decide, evolve, pendingEffects: () => [] }
}

export function isOver({ expiresAt }: { readonly expiresAt?: number }, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

/** M3. What is over its time goes first; the one that was just remembered stays, or it could never get in. */
function leastOf(items: readonly WorkingItem[], newest: string, count: number, now: number): readonly string[] {
  return items
    .filter(({ key }) => key !== newest)
    .sort((a, b) => rank(a, now) - rank(b, now) || a.createdAt - b.createdAt || (a.key < b.key ? -1 : 1))
    .slice(0, count)
    .map(({ key }) => key)
}

function rank(item: WorkingItem, now: number): number {
  return isOver(item, now) ? -1 : item.importance
}

function without(items: readonly WorkingItem[], keys: readonly string[]): readonly WorkingItem[] {
  return items.length === 0 ? items : items.filter(({ key }) => !keys.includes(key))
}
