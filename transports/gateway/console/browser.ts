/** What the page draws from its browser: time and chance. The one file here that may (spec/house-rules.spec.ts). */

/** Epoch milliseconds, of this machine: only for what is shown relative to now. */
export function now(): number {
  return Date.now()
}

/** For idempotency keys. crypto.randomUUID is there only on https and localhost. */
export function uniqueKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, '0')).join('')
}

/** A name for something new, such as the session that a first upload belongs to (RFC 9562, version 4). */
export function newUuid(): string {
  const hex = uniqueKey()
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}
