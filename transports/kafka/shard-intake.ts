import { type Address, kindOf, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure, isFailure } from '../../actors/kernel/failure.ts'
import { LowWatermark } from '../../actors/kernel/low-watermark.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import { AddressLanes } from '../address-lanes.ts'
import type { Delivery } from '../mailbox.ts'
import { decodeEnvelope, isEnvelope } from './envelope-codec.ts'
import type { LogRecord } from './fetch-client.ts'
import type { LogReader } from './log-reader.ts'
import type { Topic } from './topics.ts'

/** Records of one partition that may be unsettled; beyond it nothing more is fetched (I9). */
const WINDOW = 50_000
/** Of one address that would not take them; beyond it they are dead letters, so that a stuck address stalls no neighbour. */
const HELD_PER_ADDRESS = 10_000

export type Receive = (delivery: Delivery) => 'accepted' | 'full'

export interface IntakeParts {
  readonly reader: Pick<LogReader, 'read'>
  readonly clock: Clock
  /** The watermark of a partition moved and is to be stored. */
  moved(partition: PartitionIntake): void
  /** A record that is no envelope. Resolves when it is settled: sent on as an envelope, or parked. */
  foreign(topic: Topic, partition: number, record: LogRecord): Promise<void>
  /** An envelope that cannot be read or handed on. Resolves when it is parked. */
  refused(topic: Topic, partition: number, record: LogRecord, failure: Failure): Promise<void>
  /** Told before the envelope is delivered: who wants to see what comes of it. */
  watched(record: LogRecord, to: Address | undefined): void
}

/**
 * One shard's reading of the topics that its kind reads; each has its own watermark.
 *   S1. Deliveries of one address are offered in the order of the log; one that is full holds back that address alone.
 *   S2. Nothing is settled that is not journaled, recognised, sent on or parked.
 */
export class ShardIntake {
  readonly lease: ShardLease
  readonly partitions: readonly PartitionIntake[]
  private readonly lanes: AddressLanes<Arrived>

  constructor(
    lease: ShardLease,
    sources: readonly { readonly topic: Topic; readonly name: string; readonly from: number }[],
    receive: Receive,
    parts: IntakeParts,
  ) {
    this.lease = lease
    this.lanes = new AddressLanes((arrived) => this.offer(arrived, receive), parts.clock)
    this.partitions = sources.map((source) => new PartitionIntake(lease, source, this.lanes, parts))
  }

  get unsettled(): number {
    return this.partitions.reduce((sum, { unsettled }) => sum + unsettled, 0)
  }

  /** Takes no more records. What was delivered may still settle, and moves the watermarks. */
  close(): void {
    for (const partition of this.partitions) partition.close()
    this.lanes.clear()
  }

  private offer({ envelope, offset, from }: Arrived, receive: Receive): boolean {
    let settled = false
    const answer = receive({
      envelope,
      position: { shard: this.lease.shard, offset },
      settle: () => {
        if (settled) return
        settled = true
        from.settled(offset)
        this.lanes.settled(envelope.to)
      },
    })
    return answer === 'accepted'
  }
}

interface Arrived {
  readonly envelope: Envelope
  readonly offset: number
  readonly from: PartitionIntake
}

export class PartitionIntake {
  readonly lease: ShardLease
  readonly topic: Topic
  /** With the cluster's prefix. */
  readonly name: string
  /** Offset after the newest record seen. */
  end: number
  private readonly lanes: AddressLanes<Arrived>
  private readonly parts: IntakeParts
  private readonly low: LowWatermark
  private readonly reading: { close(): void }
  /** Records that are not ours are handled one after another: the order of one sender's messages is kept (I7). */
  private others: Promise<void> = Promise.resolve()

  constructor(
    lease: ShardLease,
    { topic, name, from }: { readonly topic: Topic; readonly name: string; readonly from: number },
    lanes: AddressLanes<Arrived>,
    parts: IntakeParts,
  ) {
    this.lease = lease
    this.topic = topic
    this.name = name
    this.lanes = lanes
    this.parts = parts
    this.low = new LowWatermark(from)
    this.end = from
    this.reading = parts.reader.read({
      topic: name,
      partition: lease.shard,
      from,
      wants: () => this.low.pending < WINDOW,
      take: (records, end) => this.take(records, end),
    })
  }

  get watermark(): number {
    return this.low.value
  }

  get unsettled(): number {
    return this.low.pending
  }

  close(): void {
    this.reading.close()
  }

  settled(offset: number): void {
    if (this.low.settled(offset)) this.parts.moved(this)
  }

  private take(records: readonly LogRecord[], end: number): void {
    this.end = end
    for (const record of records) {
      this.low.delivered(record.offset)
      this.arrive(record)
    }
  }

  private arrive(record: LogRecord): void {
    const { topic, lease, parts } = this
    if (!isEnvelope(record.headers)) {
      this.inTurn(record.offset, () => parts.foreign(topic, lease.shard, record))
      return
    }
    let envelope: Envelope
    try {
      envelope = decodeEnvelope(record.value, record.headers)
    } catch (error) {
      if (!isFailure(error)) throw error
      this.inTurn(record.offset, () => parts.refused(topic, lease.shard, record, error))
      return
    }
    if (kindOf(envelope.to) !== lease.kind || shardOf(envelope.to) !== lease.shard) {
      // Its actor has its shard elsewhere: fenced here for ever, it would never be settled.
      this.inTurn(record.offset, () => parts.refused(topic, lease.shard, record, astray(envelope.to)))
      return
    }
    parts.watched(record, envelope.to)
    if (this.lanes.depth(envelope.to) >= HELD_PER_ADDRESS) {
      this.inTurn(record.offset, () => parts.refused(topic, lease.shard, record, tooMany(envelope.to)))
      return
    }
    this.lanes.arrive({ envelope, offset: record.offset, from: this })
  }

  private inTurn(offset: number, handle: () => Promise<void>): void {
    // Whatever it is that fails is tried again inside; what rejects here is over (the mailbox closed), and unsettled.
    this.others = this.others.then(handle).then(
      () => this.settled(offset),
      () => {},
    )
  }
}

function astray(address: Address): Failure {
  return new Failure('UNROUTABLE', `${address} has its messages in another partition`)
}

function tooMany(address: Address): Failure {
  return new Failure('MAILBOX_FULL', `${HELD_PER_ADDRESS} messages to ${address} wait already`)
}
