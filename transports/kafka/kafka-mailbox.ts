import { type ActorKind, type Address, shardKey, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import type { LogOffsets } from '../../persistence/log-offsets.ts'
import type { Mailbox, Subscription } from '../mailbox.ts'
import { WatermarkFlush } from '../watermark-flush.ts'
import { BacklogWatch } from './backlog-watch.ts'
import { encodeEnvelope } from './envelope-codec.ts'
import type { LogReader } from './log-reader.ts'
import type { LogWriter } from './log-writer.ts'
import { type IntakeParts, type PartitionIntake, type Receive, ShardIntake } from './shard-intake.ts'
import { mailboxTopics, type Topic, topicOf } from './topics.ts'

export interface KafkaMailboxOptions {
  readonly writer: LogWriter
  readonly reader: LogReader
  readonly offsets: LogOffsets
  readonly topicPrefix: string
  /** The lease under which this process reads a shard; undefined when it does not own it. */
  readonly leaseOf: (kind: ActorKind, shard: number) => ShardLease | undefined
  readonly strangers: Pick<IntakeParts, 'foreign' | 'refused' | 'watched'>
  /** Headers that tell the owner who wants to see what comes of an envelope (gateway-outbound.ts). */
  readonly watcherHeaders?: (to: Address) => Readonly<Record<string, string>> | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Topics of outsiders that session shards read besides, partition p by shard p. */
  readonly feeds?: readonly Topic[]
  /** Envelopes of one partition that may be unsettled before senders are refused. */
  readonly perPartition?: number
  readonly flushMs?: number
}

/**
 * The mailbox of a cluster: Kafka carries, the journal's database keeps where each shard goes on.
 *   M1. `send` resolves when every in-sync copy has the record (acks=all, min.insync.replicas 2 of 3).
 *   M2. One request in flight (log-writer.ts), one partition per address.
 *   M3. Watermarks are stored lazily and fenced by the shard's epoch; never early.
 *   M5. A sender is refused when the partition's backlog, as last known, is over its limit.
 */
export class KafkaMailbox implements Mailbox {
  readonly options: KafkaMailboxOptions
  private readonly intakes = new Map<string, ShardIntake>()
  private readonly watermarks: WatermarkFlush<PartitionIntake>
  private readonly backlogWatch: BacklogWatch
  private closed = false

  constructor(options: KafkaMailboxOptions) {
    this.options = options
    this.backlogWatch = new BacklogWatch(options)
    const { clock, flushMs = 250, offsets, log } = options
    this.watermarks = new WatermarkFlush({
      clock,
      everyMs: flushMs,
      store: (moved) =>
        offsets.advance(
          moved.map(({ name, lease, watermark }) => ({ topic: name, partition: lease.shard, watermark, lease })),
        ),
      failed: (error) => log.warn({ error: String(error) }, 'watermarks could not be stored; they are tried again'),
    })
  }

  async send(envelope: Envelope): Promise<void> {
    if (this.closed) throw new Failure('DRAINING', 'the mailbox is closed', { retryAfter: 1 })
    const topic = this.options.topicPrefix + topicOf(envelope).name
    const partition = shardOf(envelope.to)
    // A result must reach the turn that waits for it, however many messages wait for that turn to end.
    this.backlogWatch.admit(topic, partition, envelope.from.startsWith('tool:') ? 'control' : envelope.priority)
    const { value, headers } = encodeEnvelope(envelope)
    const watching = this.options.watcherHeaders?.(envelope.to)
    const offset = await this.options.writer.write({
      topic,
      partition,
      key: envelope.to,
      value,
      headers: watching === undefined ? headers : { ...headers, ...watching },
    })
    this.backlogWatch.written(topic, partition, offset)
  }

  /** When it rejects, some may have been accepted: sending all of them again is the same envelopes (M4). */
  async sendAll(envelopes: readonly Envelope[]): Promise<void> {
    const results = await Promise.allSettled(envelopes.map((envelope) => this.send(envelope)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async receive(kind: ActorKind, shards: readonly number[], receive: Receive): Promise<Subscription> {
    const { feeds = [], topicPrefix } = this.options
    const all = [...mailboxTopics[kind], ...(kind === 'session' ? feeds : [])]
    const sourcesOf = (shard: number) =>
      all
        .filter(({ partitions }) => shard < partitions)
        .map((topic) => ({ topic, name: topicPrefix + topic.name, partition: shard }))
    const asked = shards.flatMap(sourcesOf)
    const offsets = await this.options.offsets.load(asked.map(({ name, partition }) => ({ topic: name, partition })))
    const stored = new Map(asked.map(({ name, partition }, n) => [`${name}/${partition}`, offsets[n]]))
    const opened = shards.flatMap((shard) => {
      const lease = this.options.leaseOf(kind, shard)
      if (lease === undefined || this.closed) return [] // lost again while the offsets were read
      const from = sourcesOf(shard).map((source) => ({ ...source, from: stored.get(`${source.name}/${shard}`) ?? 0 }))
      const intake = new ShardIntake(lease, from, receive, {
        ...this.options.strangers,
        reader: this.options.reader,
        clock: this.options.clock,
        moved: (partition) => this.watermarks.moved(partition),
      })
      this.intakes.get(shardKey(kind, shard))?.close()
      this.intakes.set(shardKey(kind, shard), intake)
      return [intake]
    })
    return {
      close: async () => {
        for (const intake of opened) {
          intake.close()
          const key = shardKey(kind, intake.lease.shard)
          if (this.intakes.get(key) === intake) this.intakes.delete(key)
        }
        await this.watermarks.now()
      },
    }
  }

  backlog(kind: ActorKind): number {
    let backlog = 0
    for (const { lease, unsettled } of this.intakes.values()) if (lease.kind === kind) backlog += unsettled
    return backlog
  }

  /** Records not settled yet by topic, those not fetched yet included: of the shards that this process owns. */
  lag(): ReadonlyMap<string, number> {
    const lag = new Map<string, number>()
    for (const { partitions } of this.intakes.values()) {
      for (const { topic, end, watermark } of partitions) {
        lag.set(topic.name, (lag.get(topic.name) ?? 0) + Math.max(0, end - watermark))
      }
    }
    return lag
  }

  async close(): Promise<void> {
    this.closed = true
    for (const intake of this.intakes.values()) intake.close()
    this.backlogWatch.close()
    await this.options.writer.idle()
    await this.watermarks.now()
  }
}
