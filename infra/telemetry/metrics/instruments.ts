import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** A dependency that hangs must not take the other figures with it: what it would have told is missing from the scrape. */
const ASK_MS = 2_000

/** What every group of metrics is made with: one registry of its own, three kinds of instrument, two sets of buckets. */
export class Instruments {
  readonly registry = new Registry()

  /** Node's own figures (memory, event loop, garbage collection) come along. */
  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  async scrape(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.registry.contentType, body: await this.registry.metrics() }
  }

  protected counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  protected gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }

  /** Its values are asked for at every scrape; while nobody answers it has none, for an old value would be a false one. */
  protected askedGauge<L extends string>(
    name: string,
    help: string,
    label: L,
    ask: () => Promise<ReadonlyMap<string, number>> | ReadonlyMap<string, number> | undefined,
  ): Gauge<L> {
    return new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        let values: ReadonlyMap<string, number> | undefined
        const answer = Promise.resolve().then(ask)
        const late = new Promise<undefined>((resolve) => setTimeout(resolve, ASK_MS, undefined).unref())
        try {
          values = await Promise.race([answer, late])
        } catch {
          values = undefined
        }
        this.reset()
        for (const [value, count] of values ?? []) this.set({ [label]: value } as Record<L, string>, count)
      },
    })
  }

  protected histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[] = quick,
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] })
  }
}

/** Seconds. The goals to be seen lie between 0.3 ms (an append) and 25 ms (a delta). */
export const quick: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
/** Models and tools take seconds. */
export const slow: readonly number[] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
/** A takeover is to be over in three seconds. */
export const takeover: readonly number[] = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10, 30]
/** Pieces in a batch; throughput falls beyond 256. */
export const pieces: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
