import type { Clock } from '../kernel/clock.ts'
import type { Pass } from './breaker.ts'
import type { LineFull, SlotRequest, Slots } from './slots.ts'

/** What one activation is doing beside its mailbox: the signal that ends it, and what it occupies meanwhile. */
export class Work {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  #slot: (() => void) | undefined
  #pass: Pass | undefined

  /** Ends with `stop`, the signal of the actor itself: a stopped activation leaves nothing running behind it. */
  constructor(stop: AbortSignal) {
    this.signal = this.#controller.signal
    const end = () => this.abandon(stop.reason)
    if (stop.aborted) end()
    else stop.addEventListener('abort', end, { once: true })
  }

  get admitted(): boolean {
    return this.#slot !== undefined
  }

  /** Waits for a slot at most `waitMs`. Policy is asked and the tool runs under the same one. */
  async hold(slots: Slots, request: SlotRequest, waitMs: number, clock: Clock): Promise<'taken' | 'none' | LineFull> {
    const patience = new AbortController()
    const stopClock = clock.after(waitMs, () => patience.abort())
    try {
      const slot = await slots.take(request, AbortSignal.any([this.signal, patience.signal]))
      if (slot.kind === 'queue-full') return slot
      this.#slot = slot.release
      // Abandoned in the very turn in which the slot came: abandon() could not yet see it.
      if (this.signal.aborted) this.release()
      return 'taken'
    } catch {
      return 'none'
    } finally {
      stopClock()
    }
  }

  /** The breaker's leave to run; whoever releases without saying how it ended says nothing of the tool. */
  passed(pass: Pass): void {
    this.#pass = pass
    if (this.signal.aborted) this.release()
  }

  release(how: Parameters<Pass['ended']>[0] = 'neither'): void {
    this.#pass?.ended(how)
    this.#pass = undefined
    this.#slot?.()
    this.#slot = undefined
  }

  /** A tool that ignores the signal loses its slot all the same, or a few hung calls would block every other. */
  abandon(reason: unknown = new DOMException('cancelled', 'AbortError')): void {
    this.#controller.abort(reason)
    this.release()
  }
}
