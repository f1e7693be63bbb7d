import type { Socket } from 'node:net'

/** A letter may be as large as the text of a whole answer, many times over; what is larger is no letter of ours. */
export const MAX_LETTER_BYTES = 32 * 1024 * 1024
const LENGTH_BYTES = 4

/** Bytes on a socket as letters: four bytes of length (big-endian), then so many bytes. */
export function onLetters(
  socket: Socket,
  take: (letter: Buffer) => void,
  spoiled: () => void,
  most: () => number = () => MAX_LETTER_BYTES,
): void {
  let waiting: Buffer[] = []
  let size = 0
  /** Bytes until something is whole: a length, or a letter with its length. */
  let wanted = LENGTH_BYTES
  socket.on('data', (chunk: Buffer) => {
    waiting.push(chunk)
    size += chunk.length
    while (size >= wanted && !socket.destroyed) {
      // Joined only when something is whole: at each chunk, a large letter would be copied hundreds of times.
      const bytes = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting)
      const length = bytes.readUInt32BE(0)
      if (length > most()) return spoiled()
      const end = LENGTH_BYTES + length
      if (size < end) {
        waiting = [bytes]
        wanted = end
        return
      }
      waiting = size > end ? [bytes.subarray(end)] : []
      size -= end
      wanted = LENGTH_BYTES
      take(bytes.subarray(LENGTH_BYTES, end))
    }
  })
}

export function writeLetter(socket: Socket, letter: Buffer): void {
  const framed = Buffer.allocUnsafe(LENGTH_BYTES + letter.length)
  framed.writeUInt32BE(letter.length, 0)
  letter.copy(framed, LENGTH_BYTES)
  socket.write(framed)
}
