import type { ActorKind } from '../../actors/kernel/address.ts'
import type { MailboxRow, MailboxRows, StoredShard, Watermark } from '../mailbox-rows.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/** For one process on several servers; in a cluster the mailbox is Kafka. */
export class SpreadMailboxRows implements MailboxRows {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  async shards(): Promise<StoredShard[]> {
    return (await Promise.all(this.map.all.map(({ mailboxRows }) => mailboxRows.shards()))).flat()
  }

  put(row: MailboxRow): Promise<void> {
    return this.map.ofShard(row.shard).mailboxRows.put(row)
  }

  read(kind: ActorKind, shard: number, from: number, limit: number): Promise<MailboxRow[]> {
    return this.map.ofShard(shard).mailboxRows.read(kind, shard, from, limit)
  }

  async advance(watermarks: readonly Watermark[]): Promise<void> {
    const groups = this.map.group(watermarks, ({ shard }) => shard)
    await Promise.all(groups.map(([{ mailboxRows }, own]) => mailboxRows.advance(own)))
  }
}
