import type { ActorKind } from '../actors/kernel/address.ts'
import { kindOf, SHARDS_PER_KIND, shardKey, shardOf } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { MailboxRows } from '../persistence/mailbox-rows.ts'
import type { Delivery, Mailbox, Subscription } from './mailbox.ts'
import { MailboxShard } from './mailbox-shard.ts'
import { WatermarkFlush } from './watermark-flush.ts'

export interface InProcessMailboxOptions {
  readonly rows: MailboxRows
  readonly clock: Clock
  readonly log: Logger
  /** Envelopes to one address that may be unsettled. */
  readonly perAddress?: number
  /** Envelopes that may be unsettled in all. */
  readonly total?: number
  /** How often settled watermarks are stored. */
  readonly flushMs?: number
}

/**
 * The durable mailbox of the one-process profile: rows of the journal's database, delivered from memory. It hands out the
 * offsets itself, so it must be the only one on its rows (the data directory's lock sees to that).
 *   M1. `send` resolves after the commit of its row.
 *   M2. Offsets are handed out in the order of the calls, rows are committed and delivered in that order.
 *   M3. The stored watermark of a shard is the lowest unsettled offset; it is stored lazily, never early.
 *   M5. The limits count what was accepted and not settled, rows of an earlier run included.
 */
export class InProcessMailbox implements Mailbox {
  private readonly rows: MailboxRows
  private readonly clock: Clock
  private readonly log: Logger
  private readonly limits: { readonly perAddress: number; readonly total: number }
  private readonly shards = new Map<string, MailboxShard>()
  private readonly watermarks: WatermarkFlush<MailboxShard>
  private unsettled = 0
  private closed = false

  private constructor(options: InProcessMailboxOptions) {
    this.rows = options.rows
    this.clock = options.clock
    this.log = options.log
    this.limits = { perAddress: options.perAddress ?? 1_000, total: options.total ?? 100_000 }
    this.watermarks = new WatermarkFlush({
      clock: this.clock,
      everyMs: options.flushMs ?? 250,
      store: (moved) =>
        this.rows.advance(moved.map(({ kind, number, watermark }) => ({ kind, shard: number, watermark }))),
      failed: (error) =>
        this.log.warn({ error: String(error) }, 'mailbox watermarks could not be stored; they are tried again'),
    })
  }

  static async open(options: InProcessMailboxOptions): Promise<InProcessMailbox> {
    const mailbox = new InProcessMailbox(options)
    for (const stored of await options.rows.shards()) {
      const shard = mailbox.shardAt(stored.kind, stored.shard)
      shard.restore(stored)
    }
    return mailbox
  }

  send(envelope: Envelope): Promise<void> {
    return this.accept(envelope)
  }

  /** When it rejects, some may have been accepted: sending all of them again is the same envelopes (M4). */
  async sendAll(envelopes: readonly Envelope[]): Promise<void> {
    const results = await Promise.allSettled(envelopes.map((envelope) => this.accept(envelope)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async receive(
    kind: ActorKind,
    shards: readonly number[],
    receive: (delivery: Delivery) => 'accepted' | 'full',
  ): Promise<Subscription> {
    const opened = shards.map((number) => this.shardAt(kind, number))
    await Promise.all(opened.map((shard) => shard.open(receive)))
    return {
      close: async () => {
        for (const shard of opened) shard.close()
        await this.watermarks.now()
      },
    }
  }

  backlog(kind: ActorKind): number {
    let backlog = 0
    for (const shard of this.shards.values()) if (shard.kind === kind) backlog += shard.unsettled
    return backlog
  }

  async close(): Promise<void> {
    this.closed = true
    for (const shard of this.shards.values()) shard.close()
    await this.watermarks.now()
  }

  // No await before the offset is taken and the row is handed to its batch: that is what keeps M2.
  private accept(envelope: Envelope): Promise<void> {
    if (this.closed) return Promise.reject(new Failure('DRAINING', 'the mailbox is closed', { retryAfter: 1 }))
    const kind = kindOf(envelope.to)
    const shard = this.shardAt(kind, shardOf(envelope.to))
    const full = this.whyFull(shard, envelope)
    if (full !== undefined) return Promise.reject(new Failure('MAILBOX_FULL', full, { retryAfter: 1 }))
    const offset = shard.reserve(envelope)
    return this.rows.put({ kind, shard: shard.number, offset, envelope }).then(
      () => shard.committed(offset, envelope),
      (error) => {
        shard.refused(offset, envelope)
        throw error
      },
    )
  }

  private whyFull(shard: MailboxShard, envelope: Envelope): string | undefined {
    // A stop must get through to what it is to stop.
    const reserve = envelope.priority === 'control' ? 1.1 : 1
    const waiting = shard.unsettledOf(envelope.to)
    if (waiting >= this.limits.perAddress * reserve) return `${envelope.to} has ${waiting} messages waiting`
    return this.unsettled >= this.limits.total * reserve ? `${this.unsettled} messages are waiting in all` : undefined
  }

  private shardAt(kind: ActorKind, number: number): MailboxShard {
    const key = shardKey(kind, number)
    let shard = this.shards.get(key)
    if (shard === undefined) {
      shard = new MailboxShard(kind, number, {
        rows: this.rows,
        clock: this.clock,
        log: this.log,
        moved: (it) => this.watermarks.moved(it),
        counted: (change) => {
          this.unsettled += change
        },
      })
      this.shards.set(key, shard)
    }
    return shard
  }
}

export const allShards: readonly number[] = Array.from({ length: SHARDS_PER_KIND }, (_, shard) => shard)
