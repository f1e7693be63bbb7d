import { type Address, shardOf } from '../actors/kernel/address.ts'
import { erasedMemory } from './erased-memory.ts'
import { copyOf, type InMemoryStore } from './in-memory-store.ts'
import type { Append } from './journal.ts'
import { memoryCursor, parseMemoryCursor } from './memory-cursor.ts'
import type {
  KnownQuery,
  KnownRows,
  ListQuery,
  LoadedRow,
  MemoryPlace,
  MemoryRow,
  MemoryRows,
  OverRows,
  PageQuery,
  ShardSummary,
  StoredVector,
} from './memory-rows.ts'
import { byText } from './spread/merge-in-order.ts'

type Kept = MemoryRow & { readonly vector?: Float32Array; readonly model?: string }

const isLive = ({ expiresAt }: MemoryRow, now: number) => expiresAt === undefined || expiresAt > now
const byAge = (a: MemoryRow, b: MemoryRow) =>
  b.updatedAt - a.updatedAt || byText(b.namespace, a.namespace) || byText(b.key, a.key)

/** Without a disk; the journal of the same store writes the rows. */
export class InMemoryMemoryRows implements MemoryRows {
  private readonly store: InMemoryStore

  constructor(store: InMemoryStore) {
    this.store = store
  }

  async shard(address: Address, itemsUpTo: number): Promise<ShardSummary> {
    const rows = [...this.of(address).values()]
    const expiries = rows.flatMap(({ expiresAt }) => expiresAt ?? [])
    return {
      seq: this.store.events.get(address)?.at(-1)?.seq ?? 0,
      live: rows.length,
      ...(expiries.length > 0 && { nextExpiryAt: Math.min(...expiries) }),
      items:
        rows.length > itemsUpTo
          ? []
          : rows.map(({ key, importance, createdAt, expiresAt }) => ({
              key,
              importance,
              createdAt,
              ...(expiresAt !== undefined && { expiresAt }),
            })),
    }
  }

  async page(address: Address, query: PageQuery) {
    return [...this.of(address).values()]
      .filter(({ key }) => key > query.after)
      .filter(({ model }) => !query.lacking || model !== query.model)
      .sort((a, b) => byText(a.key, b.key))
      .slice(0, query.limit)
      .map(({ model, vector, ...row }): LoadedRow => {
        const { key, universe, sessionId, personaId, text, tags, importance, seq, createdAt, expiresAt } = row
        return {
          ...{ key, universe, text, tags, importance, seq, createdAt },
          ...(sessionId !== undefined && { sessionId }),
          ...(personaId !== undefined && { personaId }),
          ...(expiresAt !== undefined && { expiresAt }),
          ...(vector !== undefined && model === query.model && { vector }),
        }
      })
  }

  async get(tenant: string, places: readonly MemoryPlace[], now: number): Promise<MemoryRow[]> {
    const rows = places.flatMap(({ address, key }) => this.of(address).get(key) ?? [])
    return rows.filter((row) => row.tenant === tenant && isLive(row, now)).map(plain)
  }

  async known({ address, tenant, namespace, key, contentHash, now }: KnownQuery): Promise<KnownRows> {
    const existing = this.of(address).get(key)
    const same = this.all()
      .filter((row) => row.tenant === tenant && row.namespace === namespace && row.contentHash === contentHash)
      .filter((row) => row.key !== key && isLive(row, now))
      .sort((a, b) => a.createdAt - b.createdAt || byText(a.key, b.key))[0]
    return {
      ...(existing && {
        existing: {
          createdAt: existing.createdAt,
          ...(existing.expiresAt !== undefined && { expiresAt: existing.expiresAt }),
        },
      }),
      ...(same && { duplicateOf: same.key }),
    }
  }

  async there(address: Address, keys: readonly string[]): Promise<string[]> {
    return [...new Set(keys)].filter((key) => this.of(address).has(key)).sort(byText)
  }

  async over(address: Address, now: number, limit: number): Promise<OverRows> {
    const timed = [...this.of(address).values()]
      .filter(({ expiresAt }) => expiresAt !== undefined)
      .sort((a, b) => (a.expiresAt as number) - (b.expiresAt as number) || byText(a.key, b.key))
    const over = timed.filter((row) => !isLive(row, now)).slice(0, limit)
    const next = timed[over.length]?.expiresAt
    const { tenant = '', namespace = '' } = timed[0] ?? {}
    return { tenant, namespace, keys: over.map(({ key }) => key), ...(next !== undefined && { nextExpiryAt: next }) }
  }

  async list(query: ListQuery): Promise<{ rows: MemoryRow[]; next?: string }> {
    const before = parseMemoryCursor(query.before)
    const search = query.search?.toLowerCase()
    const found = this.all()
      .filter((row) => row.tenant === query.tenant && isLive(row, query.now))
      .filter((row) => query.namespace === undefined || row.namespace === query.namespace)
      .filter((row) => query.universe === undefined || row.universe === query.universe)
      .filter((row) => query.tag === undefined || row.tags.includes(query.tag))
      .filter((row) => search === undefined || `${row.key}\0${row.text}`.toLowerCase().includes(search))
      .filter((row) => before === undefined || byAge({ ...row, ...before }, row) < 0)
      .sort(byAge)
    const rows = found.slice(0, query.limit).map(plain)
    const last = rows.at(-1)
    return found.length > query.limit && last !== undefined ? { rows, next: memoryCursor(last) } : { rows }
  }

  async namespaces(tenant: string, now: number): Promise<{ namespace: string; memories: number }[]> {
    const counts = new Map<string, number>()
    for (const row of this.all()) {
      if (row.tenant !== tenant || !isLive(row, now)) continue
      counts.set(row.namespace, (counts.get(row.namespace) ?? 0) + 1)
    }
    return [...counts]
      .map(([namespace, memories]) => ({ namespace, memories }))
      .sort((a, b) => byText(a.namespace, b.namespace))
  }

  async namespaceNames(tenant: string, limit: number): Promise<string[]> {
    const names = this.all().flatMap((row) => (row.tenant === tenant ? [row.namespace] : []))
    return [...new Set(names)].sort(byText).slice(0, limit)
  }

  async saveVectors(address: Address, model: string, vectors: readonly StoredVector[]): Promise<void> {
    for (const { key, seq, vector } of vectors) {
      const row = this.of(address).get(key)
      if (row?.seq === seq) this.store.memories.get(address)?.set(key, { ...row, vector, model } as Kept)
    }
  }

  async waiting(shards: readonly number[], now: number, unembedded: boolean, limit: number): Promise<Address[]> {
    const isWaiting = (row: Kept) => !isLive(row, now) || (unembedded && row.vector === undefined)
    return [...this.store.memories]
      .filter(([address, rows]) => shards.includes(shardOf(address)) && [...rows.values()].some(isWaiting))
      .map(([address]) => address)
      .slice(0, limit)
  }

  private of(address: Address): ReadonlyMap<string, Kept> {
    return this.store.memories.get(address) ?? new Map<string, Kept>()
  }

  private all(): Kept[] {
    return [...this.store.memories.values()].flatMap((rows) => [...rows.values()])
  }
}

/** What an append changes (in-memory-journal.ts). */
export function applyMemoryChanges(store: InMemoryStore, { address, memories }: Append): void {
  if (memories === undefined) return
  const rows = store.memories.get(address) ?? new Map<string, MemoryRow>()
  store.memories.set(address, rows)
  eraseEvents(store, address, [...memories.put.map(({ key }) => key), ...memories.remove])
  for (const row of memories.put) {
    const { text, vector, model } = (rows.get(row.key) ?? {}) as Partial<Kept>
    const kept = text === row.text && vector !== undefined ? { vector, model } : {}
    rows.set(row.key, { ...copyOf(row), address, ...kept } as Kept)
  }
  for (const key of memories.remove) rows.delete(key)
}

/** Q4. Of the rows as they were before the append. */
function eraseEvents(store: InMemoryStore, address: Address, keys: readonly string[]): void {
  const rows = store.memories.get(address)
  const seqs = new Set(keys.map((key) => rows?.get(key)?.seq))
  const events = store.events.get(address) ?? []
  store.events.set(
    address,
    events.map((event) =>
      event.kind === 'MemoryRemembered' && seqs.has(event.seq) ? { ...event, data: erasedMemory(event.data) } : event,
    ),
  )
}

function plain({ vector: _vector, model: _model, ...row }: Kept): MemoryRow {
  return copyOf(row)
}
