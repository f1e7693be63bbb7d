import type { ActorKind } from '../../actors/kernel/address.ts'
import type { DueTimer, Timers } from '../timers.ts'
import { mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/** A timer lies beside the journal of its session. */
export class SpreadTimers implements Timers {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  async due(kind: ActorKind, shards: readonly number[], at: number, limit: number): Promise<DueTimer[]> {
    const groups = this.map.group(shards, (shard) => shard)
    const lists = await Promise.all(groups.map(([{ timers }, own]) => timers.due(kind, own, at, limit)))
    return mergeInOrder(lists, (a, b) => a.due - b.due, limit)
  }
}
