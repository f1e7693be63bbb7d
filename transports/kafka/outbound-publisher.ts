import { type ActorKind, type Address, address, kindOf, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import type { Journal, PlacedEvent } from '../../persistence/journal.ts'
import type { LogOffsets } from '../../persistence/log-offsets.ts'
import type { Announcement } from '../outbound.ts'
import type { LogWriter, WrittenRecord } from './log-writer.ts'
import { toolAnswerOf } from './tool-answers.ts'
import { outbound, toolResults } from './topics.ts'

const STORE_MS = 1_000
const PAGE = 500
const REST_MS = 15_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
const MAX_SKEW_MS = 1_000

const jsonHeaders = { 'content-type': 'application/json' }

/** Which events of the journal are published, and as what. */
export interface PublishedFeed<Item> {
  readonly kind: ActorKind
  /** Names the times that are stored; without prefix. */
  readonly topic: string
  /** The public shape of a stored event. */
  itemOf(stored: PlacedEvent): Item
  placeOf(item: Item): { readonly shard: number; readonly at: number }
  /** What is written of one; `topic` is the name with its prefix. */
  recordsOf(item: Item, topic: string): readonly WrittenRecord[]
}

/**
 * ⑧ Every event of every session on conversation.outbound, and answers to outsiders on tool.results; readers deduplicate
 * by `event_id`.
 */
export function conversationFeed(
  announcementOf: (stored: PlacedEvent) => Announcement,
  topicPrefix: string,
): PublishedFeed<Announcement> {
  const shardOfSession = (sessionId: string) => shardOf(address('session', sessionId))
  return {
    kind: 'session',
    topic: outbound.name,
    itemOf: announcementOf,
    placeOf: ({ sessionId, at }) => ({ shard: shardOfSession(sessionId), at }),
    recordsOf(announcement, topic) {
      const { sessionId, event } = announcement
      const record = {
        topic,
        partition: shardOfSession(sessionId),
        key: sessionId,
        value: Buffer.from(JSON.stringify(event)),
        headers: jsonHeaders,
      }
      const answer = toolAnswerOf(announcement, topicPrefix + toolResults.name)
      return answer ? [record, answer] : [record]
    },
  }
}

export interface OutboundPublisherOptions<Item = Announcement> {
  readonly writer: LogWriter
  readonly topicPrefix: string
  readonly offsets: LogOffsets
  readonly journal: Pick<Journal, 'recent'>
  readonly leaseOf: (shard: number) => ShardLease | undefined
  readonly feed: PublishedFeed<Item>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Every event of a kind of actor on a log of its own, as JSON, at least once.
 *   P1. An event is published only after it is journaled.
 *   P2. What a node journaled and did not publish before it died is published by the shard's next owner. Instead of a row
 *       for each event (it would double what an append writes) a shard stores a time: everything older is published. It
 *       never passes an append in flight nor an event that waits to be published.
 */
export class OutboundPublisher<Item = Announcement> {
  private readonly options: OutboundPublisherOptions<Item>
  private readonly topic: string
  /** Times of appends in flight and of events being published, with how many there are of each. */
  private readonly open = new Map<number, Map<number, number>>()
  private readonly stored = new Map<number, number>()
  private cancelStore: (() => void) | undefined
  private storeIn = 0
  private closed = false

  constructor(options: OutboundPublisherOptions<Item>) {
    this.options = options
    this.topic = options.topicPrefix + options.feed.topic
  }

  /** The journal's appends, watched: one that is in flight holds its shard's time back (P2). */
  watching(journal: Pick<Journal, 'append'>): Pick<Journal, 'append'> {
    return {
      append: async (it) => {
        const at = it.events[0]?.at
        if (at === undefined || kindOf(it.address) !== this.options.feed.kind) return journal.append(it)
        const shard = shardOf(it.address)
        this.begin(shard, at)
        try {
          return await journal.append(it)
        } finally {
          // The announcement comes in the same turn of the event loop, and holds the time from then on.
          setImmediate(() => this.end(shard, at))
        }
      },
    }
  }

  publish(item: Item): void {
    const { shard, at } = this.options.feed.placeOf(item)
    this.begin(shard, at)
    void this.write(item).then((written) => {
      if (!written) return // the time stays held: the next owner publishes it (P2)
      this.end(shard, at)
      this.storeLater()
    })
  }

  /** After a takeover: publishes what the owner before may have left unpublished. */
  async takeOver(leases: readonly ShardLease[]): Promise<void> {
    const { offsets, clock } = this.options
    const times = await offsets.load(leases.map(({ shard }) => ({ topic: this.topic, partition: shard })))
    const now = clock.now()
    const fresh = leases.filter((_, i) => times[i] === undefined)
    if (fresh.length > 0) await this.advance(fresh.map((lease) => ({ lease, watermark: now })))
    const left = leases.flatMap((lease, i) => {
      const since = times[i]
      return since === undefined ? [] : [{ lease, since }]
    })
    for (const { lease, since } of left) this.begin(lease.shard, since)
    for (const group of together(left)) {
      void this.publishAgain(group).then((done) => {
        if (!done) return
        for (const { lease, since } of group) this.end(lease.shard, since)
        this.storeLater()
      })
    }
    await this.passed(Math.max(now, ...times.map((time) => time ?? 0)))
  }

  /**
   * What is journaled from now on must be younger than the time that the owner before stored by its own clock, or the owner
   * after would take it for published (P2). Clocks of a cluster differ by milliseconds; more is waited for within a bound.
   */
  private async passed(time: number): Promise<void> {
    const behind = time - this.options.clock.now()
    if (behind <= 0) return
    if (behind > MAX_SKEW_MS)
      this.options.log.error({ behindMs: behind }, 'the clock of this node is behind the others')
    await pause(this.options.clock, Math.min(behind, MAX_SKEW_MS))
  }

  /** They are owned elsewhere now, and so is what is known of them. */
  lost(shards: readonly number[]): void {
    for (const shard of shards) {
      this.open.delete(shard)
      this.stored.delete(shard)
    }
  }

  /** Resolves when everything published so far is stored, or the brokers are away. */
  async close(): Promise<void> {
    this.closed = true
    this.cancelStore?.()
    await this.options.writer.idle()
    await this.store().catch(() => {})
  }

  /** Whether all of it is published. While it is not, the shard's time stays where it was, for the next owner. */
  private async publishAgain(group: readonly Left[]): Promise<boolean> {
    const { journal, feed, leaseOf, log, clock } = this.options
    const since = Math.min(...group.map((it) => it.since))
    /** Without those that were lost again meanwhile. */
    const held = () => group.map(({ lease }) => lease).filter(({ shard, epoch }) => leaseOf(shard)?.epoch === epoch)
    let after: { readonly address: Address; readonly seq: number } | undefined
    let count = 0
    for (let delay = FIRST_RETRY_MS; !this.closed && held().length > 0; ) {
      const shards = held().map(({ shard }) => shard)
      try {
        const page = await journal.recent(feed.kind, shards, since, PAGE, after)
        // One event at a time would take a request each: a page is written together.
        const written = await Promise.all(page.map((stored) => this.write(feed.itemOf(stored))))
        if (written.includes(false)) return false
        count += page.length
        after = page.at(-1)
        delay = FIRST_RETRY_MS
        if (page.length === PAGE) continue
        if (count > 0) log.debug({ shards: shards.length, events: count }, 'published again after a takeover')
        return true
      } catch (error) {
        log.warn(
          { shards: shards.length, error: String(error), delay },
          'events of the owner before cannot be read yet',
        )
        await pause(clock, delay)
        delay = Math.min(delay * 2, LAST_RETRY_MS)
      }
    }
    return false
  }

  /** Resolves to whether it is written: always, unless this closes before it could be. */
  private async write(item: Item): Promise<boolean> {
    const { feed, writer } = this.options
    const records = feed.recordsOf(item, this.topic)
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      try {
        await Promise.all(records.map((record) => writer.write(record)))
        return true
      } catch (error) {
        if (this.closed) return false
        this.options.log.warn({ error: String(error), delay }, 'an event could not be published yet')
        await pause(this.options.clock, delay)
      }
    }
  }

  private begin(shard: number, at: number): void {
    const times = this.open.get(shard) ?? new Map<number, number>()
    this.open.set(shard, times)
    times.set(at, (times.get(at) ?? 0) + 1)
  }

  private end(shard: number, at: number): void {
    const times = this.open.get(shard)
    const count = times?.get(at)
    if (times === undefined || count === undefined) return
    if (count > 1) times.set(at, count - 1)
    else times.delete(at)
  }

  private storeLater(afterMs: number = STORE_MS): void {
    if (this.closed) return
    if (this.cancelStore !== undefined && afterMs >= this.storeIn) return
    this.cancelStore?.()
    this.storeIn = afterMs
    this.cancelStore = this.options.clock.after(afterMs, () => {
      this.cancelStore = undefined
      void this.store().catch((error) => {
        this.options.log.warn({ error: String(error) }, 'how far events are published could not be stored')
        this.storeLater()
      })
    })
  }

  private async store(): Promise<void> {
    const now = this.options.clock.now()
    const rows = [...new Set([...this.open.keys(), ...this.stored.keys()])].flatMap((shard) => {
      const lease = this.options.leaseOf(shard)
      const times = this.open.get(shard)
      const watermark = times === undefined || times.size === 0 ? now : Math.min(...times.keys())
      const stored = this.stored.get(shard) ?? 0
      // A shard at rest moves too, if seldom: its next owner would look through all that others did meanwhile.
      const least = times === undefined ? REST_MS : 1
      return lease === undefined || watermark - stored < least ? [] : [{ lease, watermark }]
    })
    for (const [shard, times] of this.open) if (times.size === 0) this.open.delete(shard)
    await this.advance(rows)
    if (this.open.size > 0) this.storeLater()
    else if (this.stored.size > 0) this.storeLater(REST_MS)
  }

  private async advance(rows: readonly { readonly lease: ShardLease; readonly watermark: number }[]): Promise<void> {
    if (rows.length === 0) return
    await this.options.offsets.advance(
      rows.map(({ lease, watermark }) => ({ topic: this.topic, partition: lease.shard, watermark, lease })),
    )
    for (const { lease, watermark } of rows) this.stored.set(lease.shard, watermark)
  }
}

/** A shard of which the owner before may have left something unpublished since then. */
interface Left {
  readonly lease: ShardLease
  readonly since: number
}

/** Those of about one time are one question to the journal. */
function together(left: readonly Left[]): Left[][] {
  const groups: Left[][] = []
  for (const it of [...left].sort((a, b) => a.since - b.since)) {
    const group = groups.at(-1)
    if (group !== undefined && it.since - (group[0] as Left).since < REST_MS) group.push(it)
    else groups.push([it])
  }
  return groups
}
