/** How long to wait before a model call is tried again. Pure: time and randomness come in. */
export interface BackoffRule {
  /** Calls in all, the first included (I9). */
  readonly attempts: number
  readonly firstMs: number
  readonly maxMs: number
}

/** Six calls wait about 15 s in all: longer than a restart of a local server, shorter than a person's patience. */
export const modelBackoff: BackoffRule = { attempts: 6, firstMs: 500, maxMs: 20_000 }

/**
 * Doubling, with half of each wait drawn: never at once, never all together. A wait the server named is kept whole, and
 * jitter is put on top of it, because every session that was refused in one second was told the same moment.
 */
export function waitBefore(rule: BackoffRule, failed: number, random: number, namedMs: number | undefined): number {
  if (namedMs !== undefined) return namedMs + random * rule.firstMs
  const full = Math.min(rule.maxMs, rule.firstMs * 2 ** (failed - 1))
  return full / 2 + (random * full) / 2
}

/** `Retry-After` in seconds or as a date, and OpenAI's finer `retry-after-ms`. Nonsense counts as absent. */
export function namedWait(headers: Readonly<Record<string, unknown>>, now: number): number | undefined {
  const fine = headers['retry-after-ms']
  if (typeof fine === 'string' && /^\d+(\.\d+)?$/.test(fine)) return Number(fine)
  const named = headers['retry-after']
  if (typeof named !== 'string') return undefined
  if (/^\s*\d+(\.\d+)?\s*$/.test(named)) return Number(named) * 1000
  // Date.parse takes «-5» for a month; a date of HTTP has a name for it.
  const date = /[a-z]{3}/i.test(named) ? Date.parse(named) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
