import { Failure } from '../../actors/kernel/failure.ts'

const FAILURES = 3
const PAUSE_MS = 5_000

/**
 * Spares callers the wait for a service that is down.
 *   B1. After three failures in a row nobody asks for five seconds; whoever comes is told so at once.
 *   B2. Then one call tries; the others are still told so until it is through. It succeeds: closed. It fails: five more.
 *   B3. A call that its caller gave up says nothing about the service.
 */
export class Breaker {
  readonly #service: string
  readonly #now: () => number
  #failures = 0
  #openUntil = 0
  #trying = false
  #last = ''

  constructor(service: string, now: () => number) {
    this.#service = service
    this.#now = now
  }

  async run<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const open = this.#failures >= FAILURES
    if (open && (this.#now() < this.#openUntil || this.#trying)) {
      const seconds = Math.max(1, Math.ceil((this.#openUntil - this.#now()) / 1_000))
      const detail = `${this.#service} failed ${this.#failures} times in a row and is asked again in ${seconds} s: ${this.#last}`
      throw new Failure('POLICY_UNAVAILABLE', detail, { retryAfter: seconds })
    }
    this.#trying = open
    try {
      const answer = await call()
      this.#failures = 0
      return answer
    } catch (error) {
      if (!signal.aborted) this.#failed(error) // B3
      throw error
    } finally {
      if (open) this.#trying = false
    }
  }

  #failed(error: unknown): void {
    this.#failures++
    this.#last = error instanceof Failure ? error.detail : String(error)
    if (this.#failures >= FAILURES) this.#openUntil = this.#now() + PAUSE_MS
  }
}
