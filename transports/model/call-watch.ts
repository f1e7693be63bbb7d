import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'

/**
 * The one signal that ends a call at an endpoint: the caller's abort, the deadline, or silence for too long.
 * Silence is found by looking at the time of the last byte when the timer fires, because a timer set anew for every
 * chunk costs more than reading the chunk.
 */
export class CallWatch {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #caller: AbortSignal
  readonly #onAbort: () => void
  readonly #cancelDeadline: () => void
  #cancelIdle: () => void
  #idleMs: number
  #lastSign: number

  constructor(clock: Clock, caller: AbortSignal, deadline: number, idleMs: number) {
    this.#clock = clock
    this.#caller = caller
    this.#idleMs = idleMs
    this.#lastSign = clock.now()
    this.#onAbort = () => this.#controller.abort(caller.reason)
    if (caller.aborted) this.#onAbort()
    caller.addEventListener('abort', this.#onAbort, { once: true })
    this.#cancelDeadline = clock.after(Math.max(0, deadline - clock.now()), () => {
      this.#controller.abort(new Failure('MODEL_UNAVAILABLE', 'the answer was not complete before the deadline'))
    })
    this.#cancelIdle = this.#watchSilence(idleMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  alive(): void {
    this.#lastSign = this.#clock.now()
  }

  /** The answer is complete; only the closing bytes are waited for, which let the connection be used again. */
  linger(ms: number): void {
    this.#cancelIdle()
    this.#idleMs = ms
    this.alive()
    this.#cancelIdle = this.#watchSilence(ms)
  }

  close(): void {
    this.#cancelIdle()
    this.#cancelDeadline()
    this.#caller.removeEventListener('abort', this.#onAbort)
    this.#controller.abort(new Failure('MODEL_UNAVAILABLE', 'the call is over'))
  }

  #watchSilence(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const left = this.#idleMs - (this.#clock.now() - this.#lastSign)
      if (left > 0) this.#cancelIdle = this.#watchSilence(left)
      else {
        this.#controller.abort(new Failure('MODEL_UNAVAILABLE', `the model sent nothing for ${this.#idleMs / 1000} s`))
      }
    })
  }
}
