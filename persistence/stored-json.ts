/**
 * JSON as jsonb can hold it. Postgres refuses NUL and unpaired surrogates, which JSON.stringify writes as `\u0000` and
 * `\ud83d`, and which a model, a tool or a client can produce at any time. They are stored as a mark (a code point of the
 * private use area) and four hex digits; the mark itself is stored the same way, so reading gives back what was written.
 * Dropping them instead would change a tool's output in silence; refusing them would let one byte fail a session.
 */
const MARK = '\uf5a3'
const MARK_ENCODED = `${MARK}f5a3`

// An escape is matched whole, so that the second backslash of `\\u0000` is never taken for the start of one.
const escapes = new RegExp(`\\\\(?:u(0000|d[89a-f][0-9a-f]{2})|.)|${MARK}`, 'g')
const encoded = new RegExp(`${MARK}([0-9a-f]{4})`, 'g')

export function toStoredJson(value: unknown): string {
  const json = JSON.stringify(value) ?? 'null'
  if (!json.includes('\\u0000') && !json.includes('\\ud') && !json.includes(MARK)) return json
  return json.replace(escapes, (match, hex: string | undefined) =>
    match === MARK ? MARK_ENCODED : hex === undefined ? match : MARK + hex,
  )
}

/** Takes the text of a jsonb column (`select data::text`): parsed once, by us. */
export function fromStoredJson<T = unknown>(text: string): T {
  return JSON.parse(text.includes(MARK) ? text.replace(encoded, '\\u$1') : text) as T
}

/** The same for a text column, whose content may come from a client (ids, titles). */
export function toStoredText(text: string): string {
  return /[\0\ud800-\udfff\uf5a3]/.test(text) ? (JSON.parse(toStoredJson(text)) as string) : text
}

export function fromStoredText(text: string): string {
  return text.includes(MARK) ? fromStoredJson<string>(JSON.stringify(text)) : text
}
