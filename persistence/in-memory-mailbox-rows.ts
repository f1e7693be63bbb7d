import { type ActorKind, shardKey } from '../actors/kernel/address.ts'
import { copyOf } from './in-memory-store.ts'
import type { MailboxRow, MailboxRows, StoredShard, Watermark } from './mailbox-rows.ts'

export class InMemoryMailboxRows implements MailboxRows {
  private readonly rows = new Map<string, MailboxRow[]>()
  private readonly watermarks = new Map<string, Watermark>()

  async shards(): Promise<StoredShard[]> {
    return [...new Set([...this.rows.keys(), ...this.watermarks.keys()])].map((key) => {
      const [kind, shard] = key.split('/') as [ActorKind, string]
      const rows = this.rows.get(key) ?? []
      const watermark = this.watermarks.get(key)?.watermark ?? 0
      const next = Math.max(watermark, (rows.at(-1)?.offset ?? -1) + 1)
      return { kind, shard: Number(shard), watermark, next, backlog: rows.length }
    })
  }

  async put(row: MailboxRow): Promise<void> {
    const key = shardKey(row.kind, row.shard)
    this.rows.set(key, [...(this.rows.get(key) ?? []), copyOf(row)])
  }

  async read(kind: ActorKind, shard: number, from: number, limit: number): Promise<MailboxRow[]> {
    const rows = this.rows.get(shardKey(kind, shard)) ?? []
    return copyOf(rows.filter((row) => row.offset >= from).slice(0, limit))
  }

  async advance(watermarks: readonly Watermark[]): Promise<void> {
    for (const { kind, shard, watermark } of watermarks) {
      const key = shardKey(kind, shard)
      const raised = Math.max(watermark, this.watermarks.get(key)?.watermark ?? 0)
      this.watermarks.set(key, { kind, shard, watermark: raised })
      this.rows.set(
        key,
        (this.rows.get(key) ?? []).filter((row) => row.offset >= raised),
      )
    }
  }
}
