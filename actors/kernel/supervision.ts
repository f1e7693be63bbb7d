/**
 * Supervision is data (supervisors/tree.ts holds all of it): how often a child may fail, how long it waits before it
 * starts again, and who goes down with it. Terms are OTP's.
 */
export interface Supervision {
  /** Who restarts when one child fails: itself, those started after it, or all. */
  readonly strategy: 'one-for-one' | 'rest-for-one' | 'one-for-all'
  /** permanent: always restarted. transient: only after a failure. temporary: never. */
  readonly restart: 'permanent' | 'transient' | 'temporary'
  /** More than `intensity` failures within `periodMs` is beyond mending: quarantine (addressed) or escalate (not). */
  readonly intensity: number
  readonly periodMs: number
  readonly backoff: Backoff
  /** How long a stop may take before the actor is abandoned and reported. */
  readonly shutdownMs: number
}

export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
  /** Share of the delay that is random, 0 to 1, so that neighbours felled by one cause do not return at one instant. */
  readonly jitter: number
}

/** What a failure calls for; the decider (supervisors/decider.ts) maps a failure's disposition to one of these. */
export type Directive = 'resume' | 'restart' | 'stop' | 'escalate' | 'quarantine'
