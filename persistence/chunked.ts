import { CHUNK_BYTES } from './attachments.ts'

/** The same bytes in pieces of CHUNK_BYTES, the last one shorter; none for no bytes. */
export async function* chunked(bytes: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array) {
    for (let from = 0; from < bytes.length; from += CHUNK_BYTES) yield bytes.subarray(from, from + CHUNK_BYTES)
    return
  }
  let filled = 0
  let chunk = new Uint8Array(CHUNK_BYTES)
  for await (const piece of bytes) {
    for (let from = 0; from < piece.length; ) {
      const part = piece.subarray(from, from + CHUNK_BYTES - filled)
      chunk.set(part, filled)
      filled += part.length
      from += part.length
      if (filled < CHUNK_BYTES) continue
      yield chunk
      chunk = new Uint8Array(CHUNK_BYTES)
      filled = 0
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled)
}

/** The part of chunk `n` that lies in the range. */
export function withinRange(chunk: Uint8Array, n: number, { from, to }: { from: number; to: number }): Uint8Array {
  const start = n * CHUNK_BYTES
  return chunk.subarray(Math.max(0, from - start), Math.max(0, Math.min(chunk.length, to - start)))
}
