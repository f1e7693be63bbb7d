import type { Address } from '../../actors/kernel/address.ts'
import { memoryCursor } from '../memory-cursor.ts'
import type {
  KnownQuery,
  KnownRows,
  ListQuery,
  MemoryPlace,
  MemoryRow,
  MemoryRows,
  StoredVector,
} from '../memory-rows.ts'
import { byText, mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

type Server = Pick<JournalServer, 'shards' | 'memories'>

/** A memory's row lies with the events of its shard, which write it; a namespace may lie on several servers. */
export class SpreadMemoryRows implements MemoryRows {
  private readonly map: ShardMap<Server>

  constructor(map: ShardMap<Server>) {
    this.map = map
  }

  shard(address: Address, itemsUpTo: number) {
    return this.on(address).shard(address, itemsUpTo)
  }

  page(address: Address, query: Parameters<MemoryRows['page']>[1]) {
    return this.on(address).page(address, query)
  }

  async get(tenant: string, places: readonly MemoryPlace[], now: number): Promise<MemoryRow[]> {
    const groups = new Map<Server, MemoryPlace[]>()
    for (const place of places) {
      const server = this.map.of(place.address)
      groups.set(server, [...(groups.get(server) ?? []), place])
    }
    return (await Promise.all([...groups].map(([server, own]) => server.memories.get(tenant, own, now)))).flat()
  }

  /** The same content may lie under a key of another shard, so every server is asked; the oldest of a server is as good. */
  async known(query: KnownQuery): Promise<KnownRows> {
    const found = await Promise.all(this.map.all.map(({ memories }) => memories.known(query)))
    const existing = found.find((it) => it.existing !== undefined)?.existing
    const duplicateOf = found.find((it) => it.duplicateOf !== undefined)?.duplicateOf
    return { ...(existing && { existing }), ...(duplicateOf !== undefined && { duplicateOf }) }
  }

  there(address: Address, keys: readonly string[]) {
    return this.on(address).there(address, keys)
  }

  over(address: Address, now: number, limit: number) {
    return this.on(address).over(address, now, limit)
  }

  async list(query: ListQuery): Promise<{ rows: MemoryRow[]; next?: string }> {
    const pages = await this.each((memories) => memories.list(query))
    const rows = mergeInOrder(
      pages.map((page) => page.rows),
      newestFirst,
      query.limit,
    )
    const last = rows.at(-1)
    const more = pages.some(({ next }) => next !== undefined) || pages.flatMap((page) => page.rows).length > rows.length
    return more && last !== undefined ? { rows, next: memoryCursor(last) } : { rows }
  }

  async namespaces(tenant: string, now: number): Promise<{ namespace: string; memories: number }[]> {
    const counts = new Map<string, number>()
    for (const { namespace, memories } of (await this.each((it) => it.namespaces(tenant, now))).flat()) {
      counts.set(namespace, (counts.get(namespace) ?? 0) + memories)
    }
    return [...counts].sort(([a], [b]) => byText(a, b)).map(([namespace, memories]) => ({ namespace, memories }))
  }

  async namespaceNames(tenant: string, limit: number): Promise<string[]> {
    const names = (await this.each((memories) => memories.namespaceNames(tenant, limit))).flat()
    return [...new Set(names)].sort(byText).slice(0, limit)
  }

  saveVectors(address: Address, model: string, vectors: readonly StoredVector[]) {
    return this.on(address).saveVectors(address, model, vectors)
  }

  async waiting(shards: readonly number[], now: number, unembedded: boolean, limit: number): Promise<Address[]> {
    const groups = this.map.group(shards, (shard) => shard)
    const found = await Promise.all(groups.map(([{ memories }, own]) => memories.waiting(own, now, unembedded, limit)))
    return found.flat().slice(0, limit)
  }

  private on(address: Address): MemoryRows {
    return this.map.of(address).memories
  }

  private each<Answer>(ask: (memories: MemoryRows) => Promise<Answer>): Promise<Answer[]> {
    return Promise.all(this.map.all.map(({ memories }) => ask(memories)))
  }
}

function newestFirst(a: MemoryRow, b: MemoryRow): number {
  return b.updatedAt - a.updatedAt || byText(b.namespace, a.namespace) || byText(b.key, a.key)
}
