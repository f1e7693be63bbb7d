/** What the page draws from its browser: time and chance. The one file here that may (spec/house-rules.spec.ts). */

/** Epoch milliseconds, of this machine: only for what is shown relative to now. */
export function now(): number {
  return Date.now()
}

/** For idempotency keys. crypto.randomUUID is there only on https and localhost. */
export function uniqueKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, '0')).join('')
}
