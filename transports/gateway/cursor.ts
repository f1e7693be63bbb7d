import { Failure } from '../../actors/kernel/failure.ts'
import type { SessionReader } from './session-reader.ts'

const CURSOR = /^(?:[0-9a-f-]{36}\/)?(\d{1,15})$/i

/** A seq, or the `event_id` that ends in it. */
export function parseCursor(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const seq = CURSOR.exec(text)?.[1]
  if (seq === undefined) throw new Failure('INVALID_CURSOR', `\`${text.slice(0, 100)}\` is not a cursor.`)
  return Number(seq)
}

/** The id of a dead letter is its envelope's, which may be anything that a text can hold; no database takes a NUL. */
export function letterCursor(text: string): string {
  if (text !== '' && !text.includes('\0')) return text
  throw new Failure('INVALID_CURSOR', 'This is not the id of a dead letter.')
}

/** A cursor beyond the journal would wait for ever for events that come with lower numbers. */
export async function knownCursor(
  reader: Pick<SessionReader, 'head'>,
  sessionId: string,
  text: string | undefined,
): Promise<number> {
  const after = parseCursor(text)
  if (after === 0) return 0
  const head = await reader.head(sessionId)
  if (after > head)
    throw new Failure('INVALID_CURSOR', `The session's last event is ${head}, the cursor says ${after}.`)
  return after
}
