import type { PlacedEvent, StoredEvent } from '../../persistence/journal.ts'
import type { LoadedRow, MemoryChanges, MemoryRows, NewMemoryRow } from '../../persistence/memory-rows.ts'
import type { Address } from '../kernel/address.ts'
import type { CommandMeta } from '../kernel/behaviour.ts'
import type { Clock } from '../kernel/clock.ts'
import { journaledActor } from '../kernel/journaled-actor.ts'
import type { JournaledActorParts, JournaledKind, Scope } from '../kernel/journaled-kind.ts'
import type { AddressedKind } from '../kernel/region.ts'
import { type Command, type MemoryState, memoryBehaviour } from './behaviour.ts'
import { contentHashOf } from './content-hash.ts'
import { type MemoryEvent, memoryEventCodec } from './events.ts'
import type { Embedder, MemoryIndex } from './index/memory-index.ts'
import { memoryLimits } from './limits.ts'
import { LiveShard } from './live-shard.ts'
import type { LiveShards } from './live-shards.ts'
import { outcomeOf } from './outcome.ts'
import { parseMemoryCommand } from './parse.ts'
import { layerOfAddress } from './place.ts'

/** ⑦ One shard of a tenant's namespace: journals changes, keeps the rows and the index of what is remembered. */
export interface MemoryParts {
  readonly rows: MemoryRows
  readonly live: LiveShards
  readonly openIndex: () => MemoryIndex
  readonly embedder?: Embedder | undefined
  /** SOMA_CACHE_WM_LIMIT */
  readonly workingMemory: number
  readonly idleMs: number
  /** Told of every event, after it is journaled and searchable. */
  readonly changed?: (stored: PlacedEvent) => void
  readonly clock: Clock
}

type MemoryScope = Scope<MemoryState, Command>

const CAPACITY = 1_000
/** Removed at once; a rest follows at once too. */
const EXPIRE_BATCH = 500
/** Node's timers take no more; a wake-up that comes early looks and waits again. */
const LONGEST_WAIT_MS = 24 * 3_600_000

export function memoryKind(parts: MemoryParts, harness: JournaledActorParts): AddressedKind<MemoryScope> {
  const lives = new WeakMap<MemoryScope, LiveShard>()
  return {
    idleMs: parts.idleMs,
    recipe: (address) => journaledActor(journaledShard(address, parts, lives), harness)(address),
    // Questions come past the mailbox, so the region does not know of them.
    isIdle(scope) {
      const live = lives.get(scope)
      return live === undefined || (live.isIdle && parts.clock.now() - live.usedAt >= parts.idleMs)
    },
  }
}

function journaledShard(
  address: Address,
  parts: MemoryParts,
  lives: WeakMap<MemoryScope, LiveShard>,
): JournaledKind<MemoryState, Command, MemoryEvent, never> {
  const { rows, workingMemory } = parts
  const behaviour = memoryBehaviour({
    layer: layerOfAddress(address),
    workingMemory,
    perShard: memoryLimits.perShard,
  })
  let expiryAt = Number.POSITIVE_INFINITY
  let cancelExpiry = () => {}

  /** M4: looks when the first of them should be over; the look tells when the next one will be. */
  function planExpiry(scope: MemoryScope, at: number): void {
    const { clock, signal } = scope.context
    cancelExpiry()
    expiryAt = at
    if (at === Number.POSITIVE_INFINITY || signal.aborted) return
    const expire = () => scope.tellSelf({ kind: 'Expire' }, `${address}/expire/${scope.seq()}/${clock.now()}`)
    cancelExpiry = clock.after(Math.min(Math.max(0, at - clock.now()), LONGEST_WAIT_MS), expire)
  }

  async function enrich(command: Command, scope: MemoryScope, { tenant, now }: CommandMeta): Promise<Command> {
    switch (command.kind) {
      case 'Remember': {
        const { namespace, memory } = command
        const contentHash = contentHashOf(memory)
        return {
          ...command,
          known: await rows.known({ address, tenant, namespace, key: memory.key, contentHash, now }),
        }
      }
      case 'Forget':
        return { ...command, there: await rows.there(address, command.keys) }
      case 'Expire': {
        const { nextExpiryAt = Number.POSITIVE_INFINITY, ...over } = await rows.over(address, now, EXPIRE_BATCH)
        planExpiry(scope, nextExpiryAt)
        return { kind: 'Expire', over }
      }
    }
  }

  return {
    type: 'memory',
    capacity: CAPACITY,
    behaviour,
    codec: memoryEventCodec,
    parse: parseMemoryCommand,
    perform() {},
    enrich,
    async recoverFromRows(scope) {
      const { seq, live, items, nextExpiryAt } = await rows.shard(address, workingMemory * 2)
      const { clock, signal, log } = scope.context
      const shard = new LiveShard({
        ...{ address, rows, clock, signal, log },
        index: parts.openIndex(),
        embedder: parts.embedder,
      })
      lives.set(scope, shard)
      parts.live.opened(shard, signal)
      signal.addEventListener('abort', () => cancelExpiry(), { once: true })
      const working = layerOfAddress(address) === 'wm'
      if (nextExpiryAt !== undefined) planExpiry(scope, nextExpiryAt)
      return { state: { live, items: working ? items : [] }, seq }
    },
    project: (_after, events, meta) => ({ memories: changesOf(events, meta) }),
    announce(scope, stored) {
      const applied = appliedOf(stored)
      lives.get(scope)?.applied(applied)
      for (const one of stored) parts.changed?.({ ...one, address })
      const first = Math.min(...applied.put.map(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt))
      if (first < expiryAt) planExpiry(scope, first)
    },
  }
}

/** J4: rows of the events, put and removed with them. No key is in both: the newest is never evicted. */
function changesOf(events: readonly MemoryEvent[], { now, nextSeq }: CommandMeta): MemoryChanges {
  const put: NewMemoryRow[] = []
  const remove: string[] = []
  events.forEach((event, index) => {
    if (event.kind === 'MemoryRemembered') put.push(rowOf(event, nextSeq + index, now))
    else if ('keys' in event) remove.push(...event.keys)
  })
  return { put, remove }
}

function rowOf(event: Extract<MemoryEvent, { kind: 'MemoryRemembered' }>, seq: number, at: number): NewMemoryRow {
  const { tenant, namespace, memory, createdAt, expiresAt, contentHash } = event
  const expiry = expiresAt === undefined ? {} : { expiresAt }
  return { ...memory, tenant, namespace, seq, createdAt, updatedAt: at, contentHash, ...expiry }
}

function appliedOf(stored: readonly StoredEvent[]) {
  const put: LoadedRow[] = []
  const remove: string[] = []
  const events = stored.map((one) => {
    const event = memoryEventCodec.decode(one)
    if (event.kind === 'MemoryRemembered') put.push(searchedOf(rowOf(event, one.seq, one.at)))
    else if ('keys' in event) remove.push(...event.keys)
    return event
  })
  return { envelopeId: stored[0]?.envelopeId ?? '', outcome: outcomeOf(events, stored[0]?.at ?? 0), put, remove }
}

function searchedOf(row: NewMemoryRow): LoadedRow {
  const { key, universe, sessionId, personaId, text, tags, importance, seq, createdAt, expiresAt } = row
  return {
    ...{ key, universe, text, tags, importance, seq, createdAt },
    ...(sessionId !== undefined && { sessionId }),
    ...(personaId !== undefined && { personaId }),
    ...(expiresAt !== undefined && { expiresAt }),
  }
}
