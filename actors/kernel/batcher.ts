import type { Failure } from './failure.ts'

/**
 * Group commit: while one batch is being written the next one gathers, so the cost of a statement (or of a request
 * to a broker) is shared by whoever waits for it, and nobody waits for a timer.
 *   B1. At most one batch is in flight, and items are written in the order of `add`.
 *   B2. Two items with one key are never in one batch: the later one sees what the earlier one wrote.
 *   B3. An item whose content is refused fails alone: the batch is halved until it is found (J5).
 *   B4. When the store is away all items of the batch fail at once; whether they were written is unknown.
 * Its queue has no limit of its own: each caller has one (an actor appends once at a time, the mailbox counts).
 */
export interface BatcherOptions<Item> {
  readonly maxBatch?: number
  readonly keyOf?: (item: Item) => string
  /** What a batch waits for before it is taken, each anew; by default one turn of the event loop, the first of a row. */
  readonly gather?: () => Promise<void>
  /** Of items without keys: how much each adds to a batch, of which `maxSize` at most go together. */
  readonly sizeOf?: (item: Item) => number
  readonly maxSize?: number
  /** Whether one of the items is at fault, so that the others may succeed without it. */
  readonly isItemsFault: (error: unknown) => boolean
  /** What those who wait get to see. */
  readonly asFailure: (error: unknown) => Failure
}

export class Batcher<Item, Answer> {
  private readonly write: (items: readonly Item[]) => Promise<readonly Answer[]>
  private readonly keyOf: ((item: Item) => string) | undefined
  private readonly maxBatch: number
  private readonly gather: (() => Promise<void>) | undefined
  private readonly sizeOf: (item: Item) => number
  private readonly maxSize: number
  private readonly isItemsFault: (error: unknown) => boolean
  private readonly asFailure: (error: unknown) => Failure
  private waiting: Waiting<Item, Answer>[] = []
  private flight: Promise<void> | undefined
  observer: BatchObserver = () => () => {}

  constructor(write: (items: readonly Item[]) => Promise<readonly Answer[]>, options: BatcherOptions<Item>) {
    this.write = write
    this.maxBatch = options.maxBatch ?? 256 // throughput falls beyond it (docs: design section 6)
    this.sizeOf = options.sizeOf ?? (() => 0)
    this.maxSize = options.maxSize ?? Number.POSITIVE_INFINITY
    this.keyOf = options.keyOf
    this.gather = options.gather
    this.isItemsFault = options.isItemsFault
    this.asFailure = options.asFailure
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject })
      this.flight ??= this.fly()
    })
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async idle(): Promise<void> {
    while (this.flight !== undefined) await this.flight
  }

  private async fly(): Promise<void> {
    // One turn of the event loop, so that everything this one brings (a poll's worth of requests) shares the statement.
    await (this.gather ?? oneTurn)()
    while (this.waiting.length > 0) {
      await this.commit(this.nextBatch())
      if (this.gather !== undefined) await this.gather()
    }
    this.flight = undefined
  }

  private nextBatch(): Waiting<Item, Answer>[] {
    if (this.keyOf === undefined) return this.waiting.splice(0, this.fitting())
    const keys = new Set<string>()
    const batch: Waiting<Item, Answer>[] = []
    const later: Waiting<Item, Answer>[] = []
    for (const waiting of this.waiting) {
      const key = this.keyOf(waiting.item)
      // B2
      if (batch.length === this.maxBatch || keys.has(key)) later.push(waiting)
      else {
        keys.add(key)
        batch.push(waiting)
      }
    }
    this.waiting = later
    return batch
  }

  /** How many of those that wait go together; one always does. */
  private fitting(): number {
    const most = Math.min(this.waiting.length, this.maxBatch)
    for (let size = 0, count = 0; count < most; count++) {
      size += this.sizeOf((this.waiting[count] as Waiting<Item, Answer>).item)
      if (size > this.maxSize) return Math.max(count, 1)
    }
    return most
  }

  private async commit(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    const ended = this.observer(batch.length)
    try {
      const answers = await this.write(batch.map((waiting) => waiting.item))
      ended('ok')
      batch.forEach((waiting, i) => {
        waiting.resolve(answers[i] as Answer)
      })
    } catch (error) {
      ended('error')
      if (batch.length > 1 && this.isItemsFault(error)) {
        // B3; the halves one after the other, for the order of B1.
        const half = batch.length >> 1
        await this.commit(batch.slice(0, half))
        await this.commit(batch.slice(half))
        return
      }
      const failure = this.asFailure(error)
      for (const waiting of batch) waiting.reject(failure)
    }
  }
}

/** Told when a batch of this size begins; told back how it ended. The time between is the observer's to measure. */
export type BatchObserver = (size: number) => (result: 'ok' | 'error') => void

interface Waiting<Item, Answer> {
  readonly item: Item
  resolve(answer: Answer): void
  reject(error: unknown): void
}

const oneTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))
