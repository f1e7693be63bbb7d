import { createHash } from 'node:crypto'
import { Failure } from '../actors/kernel/failure.ts'
import type { Attachment, ByteRange, Held, NewAttachment, Verdict } from './attachments.ts'
import { chunked } from './chunked.ts'

/** Where a store keeps bytes that nobody sees yet. */
export interface ContentDraft {
  write(chunk: Uint8Array, n: number): Promise<void>
  read(range: ByteRange): AsyncIterable<Uint8Array>
  /** A5. */
  discard(): Promise<void>
}

export type SavedContent = Pick<Attachment, 'size' | 'sha256'> & Verdict

/** Writes, counts, hashes and screens what is to be saved: the same for every store. Leaves no draft behind when it throws. */
export async function saveContent(given: NewAttachment, draft: ContentDraft): Promise<SavedContent> {
  const { bytes, maxBytes = Number.POSITIVE_INFINITY, screen, filename, mime } = given
  const hash = createHash('sha256')
  let size = 0
  let n = 0
  try {
    for await (const chunk of chunked(limited(bytes, maxBytes, filename))) {
      hash.update(chunk)
      size += chunk.length
      await draft.write(chunk, n++)
    }
    const verdict = await screen?.({ size, read: (range) => draft.read(range) }, { filename, mime })
    return { size, sha256: hash.digest('hex'), ...(verdict ?? { mime, status: 'clean' }) }
  } catch (error) {
    // Should this fail too, a sweep finds it.
    await draft.discard().catch(() => {})
    throw error
  }
}

/** Counted as it comes: no more than one piece beyond the limit is ever taken. */
async function* limited(
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  maxBytes: number,
  filename: string,
): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) {
    size += piece.length
    if (size > maxBytes)
      throw new Failure('UPLOAD_TOO_LARGE', `${filename} has more than the ${maxBytes} bytes allowed.`)
    yield piece
  }
}

/** A2, A3: an id that is another tenant's is not answered. */
export function owned(attachment: Attachment, tenant: string): Attachment {
  if (attachment.tenant !== tenant) throw missing(attachment.id)
  return attachment
}

export function missing(id: string): Failure {
  return new Failure('ATTACHMENT_NOT_FOUND', `There is no attachment ${id.slice(0, 100)}.`)
}

export function deleted(sessionId: string): Failure {
  return new Failure('SESSION_DELETED', `Session ${sessionId} was deleted.`)
}

/** A6: what a session holds, after the save that would take it beyond its room. */
export function exceeds({ count, bytes }: Held, size: number, room: Held | undefined): boolean {
  return room !== undefined && (count + 1 > room.count || bytes + size > room.bytes)
}

export function full(filename: string, size: number, held: Held, room: Held): Failure {
  return new Failure(
    'UPLOAD_LIMIT',
    `The session holds ${held.count} attachments of ${held.bytes} bytes; with ${filename} of ${size} bytes it would ` +
      `pass its limit of ${room.count} and ${room.bytes} bytes.`,
  )
}
