/** How long a service was gone, as its clients felt it. Pure. */

export interface KillRecord {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly moment: string
  /** When /readyz said yes again; undefined when the next kill came first. */
  readonly readyAt?: number
}

export interface Distribution {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Kill to ready, of the kills that were followed by readiness. */
export function timesToReady(kills: readonly KillRecord[]): number[] {
  return kills.flatMap((kill) => (kill.readyAt === undefined ? [] : [kill.readyAt - kill.at]))
}

/**
 * Kill to the first final journaled afterwards. A kill during another's recovery is part of that recovery: the time
 * counts from the first of them, which is what a client waited.
 */
export function timesToFinal(kills: readonly KillRecord[], finals: readonly number[]): number[] {
  const sorted = [...finals].sort((a, b) => a - b)
  const times: number[] = []
  let gone: number | undefined
  for (const [index, kill] of kills.entries()) {
    gone ??= kill.at
    const until = kills[index + 1]?.at ?? Number.POSITIVE_INFINITY
    const first = sorted.find((at) => at > kill.at)
    if (first === undefined || first >= until) continue
    times.push(first - gone)
    gone = undefined
  }
  return times
}

export function distribution(times: readonly number[]): Distribution {
  const sorted = [...times].sort((a, b) => a - b)
  const rank = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) }
}
