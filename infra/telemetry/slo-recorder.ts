import type { Clock } from '../../actors/kernel/clock.ts'
import type { SloPoint, SloSeries } from '../../transports/gateway/slo.ts'
import { pointBetween } from './slo-points.ts'
import type { SloSample } from './slo-sample.ts'

const EVERY_MS = 5_000
const KEPT_MS = 3_600_000

export interface SloRecorderParts {
  /** Of this process, and in a cluster of the others; one that does not answer is undefined. */
  readonly samples: () => Promise<readonly (SloSample | undefined)[]>
  readonly clock: Clock
  readonly everyMs?: number
  readonly keptMs?: number
}

/** Asks every process every few seconds, and keeps the last hour (I9: 720 points). */
export class SloRecorder implements SloSeries {
  readonly everyMs: number
  readonly #parts: SloRecorderParts
  readonly #points: SloPoint[] = []
  #before = new Map<string, SloSample>()
  #askedAt: number | undefined
  #cancel = () => {}
  #closed = false

  constructor(parts: SloRecorderParts) {
    this.#parts = parts
    this.everyMs = parts.everyMs ?? EVERY_MS
  }

  start(): this {
    this.#later()
    return this
  }

  points(sinceMs: number): readonly SloPoint[] {
    return this.#points.filter(({ at }) => at > sinceMs)
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  /** One round. Never rejects: a round that fails is a point that is missing. */
  async look(): Promise<void> {
    const { samples, clock, keptMs = KEPT_MS } = this.#parts
    const told = await samples().catch(() => [])
    const answered = told.flatMap((sample) => sample ?? [])
    const at = clock.now()
    if (this.#askedAt !== undefined && answered.length > 0) {
      const seconds = (at - this.#askedAt) / 1_000
      this.#points.push(pointBetween(this.#before, answered, { at, seconds, processes: told.length }))
    }
    while ((this.#points[0]?.at ?? at) < at - keptMs) this.#points.shift()
    // Who did not answer this once is compared with what it said before, when it answers again.
    this.#before = new Map(
      [...this.#before, ...answered.map((sample) => [sample.process, sample] as const)].slice(-1_000),
    )
    this.#askedAt = at
  }

  #later(): void {
    if (this.#closed) return
    this.#cancel = this.#parts.clock.after(this.everyMs, () => void this.look().then(() => this.#later()))
  }
}
