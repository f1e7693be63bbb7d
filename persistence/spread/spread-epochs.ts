import type { ActorKind } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { asDatabaseFailure } from '../database-failure.ts'
import type { Epochs, ShardLease } from '../epochs.ts'
import { LastAnswers, withinTime } from './last-answer.ts'
import { mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/** Within the time of a failover: shards of the servers that answer are taken over while another is silent. */
const WAIT_MS = 1_000

/** Shard rows lie on the server of their shard, because the fence of an append locks them in its own transaction (I2). */
export class SpreadEpochs implements Epochs {
  private readonly map: ShardMap<JournalServer>
  private readonly clock: Clock
  private readonly lists: ReadonlyMap<JournalServer, LastAnswers<ShardLease[]>>

  constructor(map: ShardMap<JournalServer>, clock: Clock, log: Logger) {
    this.map = map
    this.clock = clock
    this.lists = new Map(map.all.map((server) => [server, new LastAnswers(server.name, WAIT_MS, clock, log)]))
  }

  async claim(nodeId: string, kind: ActorKind, shards: readonly number[]): Promise<ShardLease[]> {
    const groups = this.map.group(shards, (shard) => shard)
    const lists = await Promise.all(groups.map(([{ epochs }, own]) => epochs.claim(nodeId, kind, own)))
    return mergeInOrder(lists, byShard)
  }

  /** What was got is returned although another server refused or is silent: whoever does not get it looks again. */
  async takeOver(nodeId: string, seen: readonly ShardLease[]): Promise<ShardLease[]> {
    const groups = this.map.group(seen, ({ shard }) => shard)
    const outcomes = await Promise.allSettled(
      groups.map(async ([server, own]) => {
        const taken = await withinTime(server.epochs.takeOver(nodeId, own), WAIT_MS, this.clock)
        this.remember(server, taken)
        return taken
      }),
    )
    const got = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed && got.length === 0) throw asDatabaseFailure(failed.reason)
    return mergeInOrder(got, byShard)
  }

  async release(leases: readonly ShardLease[]): Promise<void> {
    const groups = this.map.group(leases, ({ shard }) => shard)
    const outcomes = await Promise.allSettled(
      groups.map(([{ epochs }, own]) => withinTime(epochs.release(own), WAIT_MS, this.clock)),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw asDatabaseFailure(failed.reason)
  }

  /** Who owned the shards of a silent server goes on owning them: nobody can take them over there in the meantime. */
  async list(kind: ActorKind): Promise<ShardLease[]> {
    const lists = await Promise.all(
      this.map.all.map((server) => this.lists.get(server)?.ask(kind, () => server.epochs.list(kind)) ?? []),
    )
    return mergeInOrder(lists, byShard)
  }

  private remember(server: JournalServer, taken: readonly ShardLease[]): void {
    for (const lease of taken) {
      this.lists.get(server)?.amend(lease.kind, (kept) => {
        return [...kept.filter(({ shard }) => shard !== lease.shard), lease].sort(byShard)
      })
    }
  }
}

function byShard(a: ShardLease, b: ShardLease): number {
  return a.shard - b.shard
}
