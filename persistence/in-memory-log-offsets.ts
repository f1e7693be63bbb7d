import { shardKey } from '../actors/kernel/address.ts'
import type { InMemoryStore } from './in-memory-store.ts'
import type { LogOffsets, LogPartition, LogWatermark } from './log-offsets.ts'

export class InMemoryLogOffsets implements LogOffsets {
  private readonly store: InMemoryStore
  private readonly watermarks = new Map<string, number>()

  constructor(store: InMemoryStore) {
    this.store = store
  }

  async load(partitions: readonly LogPartition[]): Promise<(number | undefined)[]> {
    return partitions.map((it) => this.watermarks.get(keyOf(it)))
  }

  async advance(rows: readonly LogWatermark[]): Promise<void> {
    for (const { lease, watermark, ...where } of rows) {
      if (this.store.shards.get(shardKey(lease.kind, lease.shard))?.epoch !== lease.epoch) continue
      this.watermarks.set(keyOf(where), Math.max(watermark, this.watermarks.get(keyOf(where)) ?? 0))
    }
  }
}

function keyOf({ topic, partition }: LogPartition): string {
  return `${topic}/${partition}`
}
