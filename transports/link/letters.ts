import type { Socket } from 'node:net'

/** A letter may be as large as the text of a whole answer, many times over; what is larger is no letter of ours. */
export const MAX_LETTER_BYTES = 32 * 1024 * 1024
const LENGTH_BYTES = 4

/** Bytes on a socket as letters: four bytes of length (big-endian), then so many bytes. */
export function onLetters(socket: Socket, take: (letter: Buffer) => void, spoiled: () => void): void {
  let waiting: Buffer[] = []
  let size = 0
  socket.on('data', (chunk: Buffer) => {
    waiting.push(chunk)
    size += chunk.length
    while (size >= LENGTH_BYTES) {
      const bytes = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting)
      waiting = [bytes]
      const length = bytes.readUInt32BE(0)
      if (length > MAX_LETTER_BYTES) return spoiled()
      const end = LENGTH_BYTES + length
      if (size < end) return
      waiting = [bytes.subarray(end)]
      size -= end
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
