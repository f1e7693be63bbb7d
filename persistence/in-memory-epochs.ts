import { type ActorKind, shardKey } from '../actors/kernel/address.ts'
import type { Epochs, ShardLease } from './epochs.ts'
import type { InMemoryStore } from './in-memory-store.ts'

export class InMemoryEpochs implements Epochs {
  private readonly store: InMemoryStore

  constructor(store: InMemoryStore) {
    this.store = store
  }

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

  async takeOver(nodeId: string, seen: readonly ShardLease[]): Promise<ShardLease[]> {
    return seen.flatMap(({ kind, shard, epoch }) => {
      const key = shardKey(kind, shard)
      if ((this.store.shards.get(key)?.epoch ?? 0) !== epoch) return []
      const lease = { kind, shard, owner: nodeId, epoch: epoch + 1 }
      this.store.shards.set(key, lease)
      return [lease]
    })
  }

  async release(leases: readonly ShardLease[]): Promise<void> {
    for (const { kind, shard, epoch } of leases) {
      const key = shardKey(kind, shard)
      const now = this.store.shards.get(key)
      if (now?.epoch === epoch) this.store.shards.set(key, { ...now, owner: '' })
    }
  }

  async list(kind: ActorKind): Promise<ShardLease[]> {
    return [...this.store.shards.values()].filter((it) => it.kind === kind).sort((a, b) => a.shard - b.shard)
  }
}
