import { LRUCache } from 'lru-cache'

/**
 * Spares a tool that is down its callers, and callers the wait for it.
 *   C1. `failures` failures in a row, all within `openSeconds`, open it: for `openSeconds` no call runs.
 *   C2. Then one call at a time tries. It succeeds: closed. It fails: open for as long again.
 *   C3. A call that says nothing of the tool (cancelled, denied, bad input) changes nothing, and frees the trial.
 *   C4. What a call says that began before the last change is old news, and is not counted.
 *
 * Own code, as cockatiel and opossum wrap one function call: here asking whether a call may run, running it and hearing how it
 * ended are three turns of a mailbox, the call may be cancelled or its activation stopped between them, and the trial must
 * then be free again.
 */
export interface BreakerSettings {
  readonly failures: number
  readonly openSeconds: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'
export type BreakerChange = 'opened' | 'closed' | 'trial'

/** A call's leave to run; says once how it ended. */
export interface Pass {
  ended(how: 'success' | 'failure' | 'neither'): void
}

export interface CircuitOpen {
  readonly kind: 'circuit-open'
  readonly failures: number
  /** Seconds. */
  readonly retryAfter: number
}

export const defaultBreaker: BreakerSettings = { failures: 5, openSeconds: 30 }

export class Breaker {
  readonly #settings: BreakerSettings
  readonly #now: () => number
  readonly #changed: (change: BreakerChange) => void
  /** Times of the failures since the last success. */
  #failed: number[] = []
  #openUntil: number | undefined
  #trying = false
  /** Raised by every change of state (C4). */
  #era = 0

  constructor(settings: BreakerSettings, now: () => number, changed: (change: BreakerChange) => void) {
    this.#settings = settings
    this.#now = now
    this.#changed = changed
  }

  get state(): BreakerState {
    if (this.#openUntil === undefined) return 'closed'
    return this.#now() < this.#openUntil ? 'open' : 'half-open'
  }

  /** Why no call would run now, without asking for leave. */
  refusal(): CircuitOpen | undefined {
    if (this.#openUntil === undefined) return undefined
    const leftMs = this.#openUntil - this.#now()
    if (leftMs <= 0 && !this.#trying) return undefined
    const retryAfter = Math.max(1, Math.ceil(leftMs / 1_000))
    return { kind: 'circuit-open', failures: this.#settings.failures, retryAfter }
  }

  enter(): Pass | CircuitOpen {
    const refusal = this.refusal()
    if (refusal) return refusal
    const trial = this.#openUntil !== undefined
    if (trial) {
      this.#trying = true
      this.#changed('trial')
    }
    const era = this.#era
    let open = true
    return {
      ended: (how) => {
        if (!open) return
        open = false
        if (era !== this.#era) return // C4
        if (trial) this.#trying = false
        if (how === 'success') this.#succeeded()
        else if (how === 'failure') this.#failure(trial)
      },
    }
  }

  #succeeded(): void {
    this.#failed = []
    if (this.#openUntil === undefined) return
    this.#openUntil = undefined
    this.#era++
    this.#changed('closed')
  }

  #failure(trial: boolean): void {
    const now = this.#now()
    const { failures, openSeconds } = this.#settings
    this.#failed = [...this.#failed.filter((at) => at > now - openSeconds * 1_000), now]
    if (!trial && this.#failed.length < failures) return
    this.#openUntil = now + openSeconds * 1_000
    this.#era++
    this.#changed('opened')
  }
}

/** Tenants of one tool whose breakers are remembered; the ones longest unused are forgotten, as if closed. */
const MAX_BREAKERS = 10_000

/** The breakers of this process, by tool and tenant: what one tenant asks of a tool must not close it to another. */
export class Breakers {
  readonly #now: () => number
  readonly #changed: (tool: string, change: BreakerChange) => void
  readonly #breakers = new LRUCache<string, Breaker>({ max: MAX_BREAKERS })

  constructor(now: () => number, changed: (tool: string, change: BreakerChange) => void) {
    this.#now = now
    this.#changed = changed
  }

  of(tool: string, tenant: string, settings: BreakerSettings): Breaker {
    const key = keyOf(tool, tenant)
    const breaker = this.#breakers.get(key) ?? new Breaker(settings, this.#now, (change) => this.#changed(tool, change))
    this.#breakers.set(key, breaker)
    return breaker
  }

  stateOf(tool: string, tenant: string): BreakerState {
    return this.#breakers.peek(keyOf(tool, tenant))?.state ?? 'closed'
  }
}

function keyOf(tool: string, tenant: string): string {
  return `${tool} ${tenant}`
}
