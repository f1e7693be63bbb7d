import type { ActorKind } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'

/** The stored half of the in-process mailbox (transports/in-process-mailbox.ts, which alone hands out offsets). */
export interface MailboxRows {
  /** What is stored of every shard that ever had a row. */
  shards(): Promise<StoredShard[]>
  /** Group-committed; resolves when durable. Calls are stored in the order in which they were made. */
  put(row: MailboxRow): Promise<void>
  /** Rows with offset >= from in order, at most `limit`. */
  read(kind: ActorKind, shard: number, from: number, limit: number): Promise<MailboxRow[]>
  /** Raises the stored low watermarks and forgets the rows below them. A watermark never goes back. */
  advance(watermarks: readonly Watermark[]): Promise<void>
}

export interface MailboxRow {
  readonly kind: ActorKind
  readonly shard: number
  readonly offset: number
  readonly envelope: Envelope
}

export interface Watermark {
  readonly kind: ActorKind
  readonly shard: number
  /** The lowest offset not yet settled. */
  readonly watermark: number
}

export interface StoredShard extends Watermark {
  /** The next offset to hand out: above every row and watermark there ever was. */
  readonly next: number
  /** Rows at or above the watermark. */
  readonly backlog: number
}
