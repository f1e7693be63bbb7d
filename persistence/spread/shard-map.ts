import { type Address, shardOf } from '../../actors/kernel/address.ts'
import { Failure } from '../../actors/kernel/failure.ts'

export interface JournalPlace {
  readonly dsn: string
  readonly shards: readonly number[]
}

/** Which of several servers keeps what: each shard on exactly one, of every kind of actor alike. */
export class ShardMap<Server extends { readonly shards: readonly number[] }> {
  readonly all: readonly Server[]
  private readonly byShard = new Map<number, Server>()

  constructor(servers: readonly Server[]) {
    this.all = servers
    for (const server of servers) for (const shard of server.shards) this.byShard.set(shard, server)
  }

  ofShard(shard: number): Server {
    const server = this.byShard.get(shard)
    if (server === undefined) throw new Failure('INTERNAL', `no server keeps shard ${shard}`)
    return server
  }

  /** Of an address, or of any text that is to have one place. */
  of(address: string): Server {
    return this.ofShard(shardOf(address as Address))
  }

  ofSession(sessionId: string): Server {
    return this.of(`session:${sessionId.toLowerCase()}`)
  }

  /** What is about shards, by the server that keeps each. Servers that have none of them are not asked. */
  group<Item>(items: readonly Item[], shard: (item: Item) => number): [Server, Item[]][] {
    const groups = new Map<Server, Item[]>()
    for (const item of items) {
      const server = this.ofShard(shard(item))
      const group = groups.get(server)
      if (group) group.push(item)
      else groups.set(server, [item])
    }
    return [...groups]
  }
}

/** `0-3,7` */
export function rangesOf(shards: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const shard of [...new Set(shards)].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && last[1] === shard - 1) last[1] = shard
    else ranges.push([shard, shard])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}
