import type { Clock } from '../kernel/clock.ts'
import type { Slots } from './slots.ts'

/** What one activation is doing beside its mailbox: the signal that ends it, and the slot it occupies meanwhile. */
export class Work {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  #slot: (() => void) | undefined

  /** Ends with `stop`, the signal of the actor itself: a stopped activation leaves nothing running behind it. */
  constructor(stop: AbortSignal) {
    this.signal = this.#controller.signal
    const end = () => this.abandon(stop.reason)
    if (stop.aborted) end()
    else stop.addEventListener('abort', end, { once: true })
  }

  /** Waits for a slot at most `waitMs`. Policy is asked and the tool runs under the same one. */
  async hold(slots: Slots, tool: string, waitMs: number, clock: Clock): Promise<'taken' | 'none'> {
    if (this.#slot) return 'taken'
    const patience = new AbortController()
    const stopClock = clock.after(waitMs, () => patience.abort())
    try {
      const slot = await slots.take(tool, AbortSignal.any([this.signal, patience.signal]))
      this.#slot = slot
      // Abandoned in the very turn in which the slot came: abandon() could not yet see it.
      if (this.signal.aborted) this.release()
      return 'taken'
    } catch {
      return 'none'
    } finally {
      stopClock()
    }
  }

  release(): void {
    this.#slot?.()
    this.#slot = undefined
  }

  /** A tool that ignores the signal loses its slot all the same, or a few hung calls would block every other. */
  abandon(reason: unknown = new DOMException('cancelled', 'AbortError')): void {
    this.#controller.abort(reason)
    this.release()
  }
}
