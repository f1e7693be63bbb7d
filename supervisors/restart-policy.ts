import type { Backoff, Supervision } from '../actors/kernel/supervision.ts'

/** What an actor's failures so far have been; part of its cell, because it must outlive incarnations. */
export interface FailureHistory {
  /** Times of the counted failures within the last period, oldest first. */
  readonly counted: readonly number[]
  /** Failures, counted or not, with less than a period between them: the exponent of the backoff. */
  readonly streak: number
  readonly lastAt: number
}

export const noFailures: FailureHistory = { counted: [], streak: 0, lastAt: Number.NEGATIVE_INFINITY }

export type Verdict = { readonly restartAfterMs: number } | 'beyond-mending'

export interface FailureToJudge {
  /** Whether it counts towards the intensity. */
  readonly counts: boolean
  /** Restart at once, without backoff. */
  readonly atOnce: boolean
  readonly now: number
  /** In [0, 1). */
  readonly random: number
}

/**
 * Restart, and when; or no more.
 *   P1. More than `intensity` counted failures within `periodMs` are beyond mending; never fewer.
 *   P2. Failures that do not count never are, however many; their backoff still grows.
 *   P3. The delay doubles with each failure of a streak, is at most maxMs, and jitter only shortens it.
 */
export function judge(
  history: FailureHistory,
  policy: Supervision,
  failure: FailureToJudge,
): { readonly verdict: Verdict; readonly history: FailureHistory } {
  const recent = history.counted.filter((at) => at > failure.now - policy.periodMs)
  const counted = failure.counts ? [...recent, failure.now] : recent
  // The wait itself is no quiet time: without maxMs here a backoff longer than the period would start over for ever.
  const quietMs = Math.max(policy.periodMs, 2 * policy.backoff.maxMs)
  const streak = failure.now - history.lastAt > quietMs ? 1 : history.streak + 1
  const next = { counted, streak, lastAt: failure.now }
  if (failure.counts && counted.length > policy.intensity) return { verdict: 'beyond-mending', history: next }
  const restartAfterMs = failure.atOnce ? 0 : delay(policy.backoff, streak, failure.random)
  return { verdict: { restartAfterMs }, history: next }
}

export function delay(backoff: Backoff, streak: number, random: number): number {
  const full = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(streak - 1, 30))
  return Math.round(full * (1 - backoff.jitter * random))
}
