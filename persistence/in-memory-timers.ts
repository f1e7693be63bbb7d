import { type ActorKind, kindOf, shardOf } from '../actors/kernel/address.ts'
import type { InMemoryStore } from './in-memory-store.ts'
import type { DueTimer, Timers } from './timers.ts'

export class InMemoryTimers implements Timers {
  private readonly store: InMemoryStore

  constructor(store: InMemoryStore) {
    this.store = store
  }

  async due(kind: ActorKind, shards: readonly number[], at: number, limit: number): Promise<DueTimer[]> {
    return [...this.store.timers.values()]
      .filter(({ address, due }) => kindOf(address) === kind && shards.includes(shardOf(address)) && due <= at)
      .sort((a, b) => a.due - b.due)
      .slice(0, limit)
  }
}
