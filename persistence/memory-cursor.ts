import { Failure } from '../actors/kernel/failure.ts'

interface MemoryCursor {
  readonly updatedAt: number
  readonly namespace: string
  readonly key: string
}

/** The place of a row in a list. Names may hold anything, so it is JSON in base64. */
export function memoryCursor({ updatedAt, namespace, key }: MemoryCursor): string {
  return Buffer.from(JSON.stringify([updatedAt, namespace, key])).toString('base64url')
}

/** Rejects with INVALID_CURSOR what `memoryCursor` did not make. */
export function parseMemoryCursor(text: string | undefined): MemoryCursor | undefined {
  if (text === undefined) return undefined
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(parts) && parts.length === 3) {
      const [updatedAt, namespace, key] = parts
      if (Number.isSafeInteger(updatedAt) && typeof namespace === 'string' && typeof key === 'string') {
        return { updatedAt, namespace, key }
      }
    }
  } catch {
    // Falls through to the one refusal.
  }
  throw new Failure('INVALID_CURSOR', `\`${text.slice(0, 100)}\` is not a cursor of a list of memories.`)
}
