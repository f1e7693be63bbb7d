import type { ActorKind } from '../actors/kernel/address.ts'
import type { Epochs, ShardLease } from './epochs.ts'
import { type InMemoryStore, shardKey } from './in-memory-store.ts'

export class InMemoryEpochs implements Epochs {
  private readonly store: InMemoryStore

  constructor(store: InMemoryStore) {
    this.store = store
  }

  async heartbeat(): Promise<void> {}

  async claim(nodeId: string, kind: ActorKind, shards: readonly number[]): Promise<ShardLease[]> {
    return [...new Set(shards)]
      .sort((a, b) => a - b)
      .map((shard) => {
        const key = shardKey(kind, shard)
        const lease = { kind, shard, owner: nodeId, epoch: (this.store.shards.get(key)?.epoch ?? 0) + 1 }
        this.store.shards.set(key, lease)
        return lease
      })
  }

  async list(kind: ActorKind): Promise<ShardLease[]> {
    return [...this.store.shards.values()].filter((it) => it.kind === kind).sort((a, b) => a.shard - b.shard)
  }
}
