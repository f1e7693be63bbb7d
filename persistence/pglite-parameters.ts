/** A parameter as Postgres' text format has it. */
export type SqlText = string | null

/**
 * Done on the caller's side of the thread: an array crosses as one string. Cloned element by element, a batch's arrays were
 * a twelfth of all the CPU of the caller, and as much of the thread.
 */
export function toSqlText(value: unknown): SqlText {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return `{${value.map(toElement).join(',')}}`
  return String(value)
}

function toElement(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  return typeof value === 'string' ? `"${value.replace(/[\\"]/g, '\\$&')}"` : String(value)
}
