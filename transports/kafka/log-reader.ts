import type { Clock } from '../../actors/kernel/clock.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { type FetchClient, type LogRecord, OffsetOutOfRange } from './fetch-client.ts'

/** Longest wait of a fetch that finds nothing; also how long a partition that was just opened may have to wait for it. */
const MAX_WAIT_MS = 50
/**
 * Between two fetches that find something. A fetch answers as soon as there is one record: under load each would bring one or
 * two, and requests are what costs, here and at the broker.
 */
const PACE_MS = 3
const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 500
/** A fetch that neither answers nor fails for so long is hung: beyond the request's own time limit of 5 s. */
const HUNG_MS = 8_000
const WATCH_MS = 1_000
const EDGE_TRIES = 40

export interface ReadPartition {
  readonly topic: string
  readonly partition: number
  /** Undefined: only what is written from now on. */
  readonly from: number | undefined
  /** Must only enqueue. `end`: the offset after the newest record of the partition. */
  take(records: readonly LogRecord[], end: number): void
  /** Asked before each fetch: false holds this partition back (I9). */
  wants(): boolean
}

export interface LogReaderOptions {
  readonly client: FetchClient
  readonly clock: Clock
  readonly log: Logger
  /** A loop was found hung and replaced. */
  readonly restarted?: () => void
}

/**
 * Reads any set of partitions, each from where it is told, with one loop for each broker.
 *   L1. A record is taken once for each opening, in the order of offsets, whatever is fetched twice.
 *   L2. A broker that is away holds up the partitions it leads and no others; when they have another leader they go on there.
 *   L3. A position that the log does not hold (retention, a log made anew) goes on at the oldest record there is: what was
 *       handled already is recognised by the inbox, while going on at the newest would skip messages in silence.
 *   L4. A loop that hangs is noticed and replaced.
 */
export class LogReader {
  private readonly client: FetchClient
  private readonly clock: Clock
  private readonly log: Logger
  private readonly restarted: () => void
  private readonly open = new Map<string, Position>()
  private readonly loops = new Map<number, Loop>()
  private cancelWatch = () => {}
  private closed = false
  private answeredAt = Number.NEGATIVE_INFINITY
  private asking = false

  constructor(options: LogReaderOptions) {
    this.client = options.client
    this.clock = options.clock
    this.log = options.log
    this.restarted = options.restarted ?? (() => {})
  }

  /** A broker that has not heard of topics made a moment ago, or that is just being started again, is asked again. */
  async start(topics: readonly string[]): Promise<void> {
    for (let left = EDGE_TRIES; ; left--) {
      try {
        await this.client.connect(topics)
        break
      } catch (error) {
        if (left === 0 || this.closed) {
          await this.client.close().catch(() => {})
          throw error
        }
        await pause(this.clock, LAST_PAUSE_MS / 2)
      }
    }
    this.answeredAt = this.clock.now()
    this.follow()
    this.watch()
  }

  /** How long no broker at all has answered; a process that reads nothing asks for a sign of life. */
  silentMs(): number {
    return this.clock.now() - this.answeredAt
  }

  /** Opened again before it was closed, the earlier opening takes nothing more. */
  read(wanted: ReadPartition): { close(): void } {
    const key = `${wanted.topic}/${wanted.partition}`
    const position: Position = { wanted, next: wanted.from }
    this.open.set(key, position)
    this.wake()
    return {
      close: () => {
        if (this.open.get(key) === position) this.open.delete(key)
      },
    }
  }

  /** Where the log ends now. A topic made a moment ago has leaders that do not know of it yet: asked again for a while. */
  async edge(topic: string, partition: number): Promise<number> {
    for (let left = EDGE_TRIES; ; left--) {
      try {
        return await this.client.edge(topic, partition, 'latest')
      } catch (error) {
        if (left === 0 || this.closed) throw error
        await pause(this.clock, LAST_PAUSE_MS / 2)
        await this.client.refresh().catch(() => {})
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true
    this.cancelWatch()
    this.open.clear()
    for (const loop of this.loops.values()) loop.wake()
    await this.client.close()
  }

  /** A loop for each broker there is. */
  private follow(): void {
    for (const broker of this.client.brokers()) {
      if (!this.loops.has(broker)) this.begin(broker)
    }
  }

  private begin(broker: number): void {
    const loop: Loop = { broker, since: undefined, last: 0, wake: () => {} }
    this.loops.set(broker, loop)
    void this.run(loop)
  }

  private isCurrent(loop: Loop): boolean {
    return !this.closed && this.loops.get(loop.broker) === loop
  }

  private async run(loop: Loop): Promise<void> {
    for (let delay = FIRST_PAUSE_MS; this.isCurrent(loop); ) {
      try {
        const wanted = await this.wantedOf(loop.broker)
        if (wanted.length === 0) await this.rest(loop)
        else if (await this.fetch(loop, wanted)) await this.pace(loop)
        delay = FIRST_PAUSE_MS
      } catch (error) {
        if (!this.isCurrent(loop)) return
        this.log.debug({ broker: loop.broker, error: String(error) }, 'a fetch failed')
        await this.mend(error)
        await pause(this.clock, delay)
        delay = Math.min(delay * 2, LAST_PAUSE_MS)
      }
    }
  }

  private async wantedOf(broker: number) {
    const wanted = []
    for (const position of this.open.values()) {
      const { topic, partition, wants } = position.wanted
      if (this.client.leaderOf(topic, partition) !== broker || !wants()) continue
      position.next ??= await this.client.edge(topic, partition, 'latest')
      wanted.push({ topic, partition, offset: position.next })
    }
    return wanted
  }

  /** Whether it found something. */
  private async fetch(loop: Loop, wanted: Parameters<FetchClient['fetch']>[1]): Promise<boolean> {
    loop.since = this.clock.now()
    const fetched = await this.client.fetch(loop.broker, wanted, MAX_WAIT_MS)
    loop.since = undefined
    this.answeredAt = this.clock.now()
    if (!this.isCurrent(loop)) return false
    let found = false
    for (const { topic, partition, records, end, skipped } of fetched) {
      const position = this.open.get(`${topic}/${partition}`)
      if (position?.next === undefined) continue
      const { next } = position
      if (records.length === 0) {
        if (skipped !== undefined && skipped >= next) position.next = skipped + 1
        continue
      }
      const fresh = (records[0] as LogRecord).offset >= next ? records : records.filter(({ offset }) => offset >= next) // L1
      if (fresh.length === 0) continue
      found = true
      position.next = (fresh.at(-1) as LogRecord).offset + 1
      position.wanted.take(fresh, end)
    }
    return found
  }

  /** One client alone never waits here: by the time of its next message the pause is long over. */
  private pace(loop: Loop): Promise<void> | undefined {
    const left = PACE_MS - (this.clock.now() - loop.last)
    loop.last = this.clock.now() + Math.max(0, left)
    if (left <= 0) return undefined
    return pause(this.clock, left)
  }

  /** Nothing to read here: until something is opened, or a little while, for leaders move. */
  private rest(loop: Loop): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(MAX_WAIT_MS, resolve)
      loop.wake = () => {
        cancel()
        resolve()
      }
    })
  }

  private wake(): void {
    for (const loop of this.loops.values()) loop.wake()
  }

  private async mend(error: unknown): Promise<void> {
    try {
      if (error instanceof OffsetOutOfRange) await this.startOver(error)
      else await this.client.refresh() // L2
      this.answeredAt = this.clock.now()
      this.follow()
    } catch (cause) {
      this.log.debug({ error: String(cause) }, 'no broker tells who leads what; asked again')
    }
  }

  /** One question at a time: one that hangs is answered when the network is back. */
  private ask(): void {
    if (this.asking) return
    this.asking = true
    this.client.refresh().then(
      () => {
        this.answeredAt = this.clock.now()
        this.asking = false
      },
      () => {
        this.asking = false
      },
    )
  }

  private async startOver({ topic, partition }: OffsetOutOfRange): Promise<void> {
    const position = this.open.get(`${topic}/${partition}`)
    if (position === undefined) return
    const lost = position.next
    const earliest = await this.client.edge(topic, partition, 'earliest')
    if (position.next !== lost) return // another loop was here first, and may have gone on (L1)
    position.next = earliest // L3
    this.log.error(
      { topic, partition, offset: lost, from: position.next },
      'the log does not hold this offset any more',
    )
  }

  private watch(): void {
    this.cancelWatch = this.clock.after(WATCH_MS, () => {
      for (const loop of [...this.loops.values()]) {
        if (loop.since === undefined || this.clock.now() - loop.since < HUNG_MS) continue
        this.log.warn({ broker: loop.broker }, 'reading from a broker hung; starting again') // L4
        this.restarted()
        this.begin(loop.broker)
        this.client.drop(loop.broker).catch(() => {})
      }
      // What no loop reads fails nowhere: its leader was unknown when last asked, or a broker has joined (L2).
      const isRead = ({ wanted: { topic, partition } }: Position) =>
        this.loops.has(this.client.leaderOf(topic, partition) ?? -1)
      if (![...this.open.values()].every(isRead)) void this.mend(undefined)
      if (this.silentMs() >= WATCH_MS) this.ask()
      this.watch()
    })
  }
}

interface Position {
  readonly wanted: ReadPartition
  /** Undefined until it is known where the log ends. */
  next: number | undefined
}

interface Loop {
  readonly broker: number
  /** When the fetch in flight began. */
  since: number | undefined
  /** When the last that found something was over. */
  last: number
  wake(): void
}
