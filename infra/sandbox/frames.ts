/**
 * What a capsule says, as frames on its standard output: one byte of kind, four of length, the payload.
 *   R  ready, the interpreter is loaded: JSON `Ready`
 *   O  the program wrote to stdout, E to stderr: bytes
 *   X  the program ended: JSON `Ended`
 * Whoever broke out inside can write here whatever it likes, so the reader believes nothing: a frame that is too long or
 * of no known kind ends the capsule.
 */
export type FrameKind = 'R' | 'O' | 'E' | 'X'

export interface Ready {
  /** Processor time that loading took. */
  readonly cpuMs: number
  /** Writable memory the process holds already, in bytes; 0 where the system does not tell. */
  readonly dataBytes: number
}

export interface Ended {
  readonly end: 'finished' | 'failed' | 'time' | 'memory' | 'closed' | 'crashed'
  readonly value?: string
  readonly detail?: string
}

export interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
}

export const MAX_FRAME = 64 * 1_024
const HEADER = 5
const KINDS = 'ROEX'

export function encodeFrame(kind: FrameKind, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + payload.length)
  frame.write(kind, 0, 'latin1')
  frame.writeUInt32LE(payload.length, 1)
  frame.set(payload, HEADER)
  return frame
}

/** Bytes as they come in, frames out; holds one frame at most. Throws for what is no frame. */
export class FrameReader {
  #left: Buffer = Buffer.alloc(0)

  read(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let bytes = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk])
    while (bytes.length >= HEADER) {
      const kind = String.fromCharCode(bytes[0] as number)
      const length = bytes.readUInt32LE(1)
      if (!KINDS.includes(kind) || length > MAX_FRAME) throw new Error('the capsule speaks another language')
      if (bytes.length < HEADER + length) break
      frames.push({ kind: kind as FrameKind, payload: bytes.subarray(HEADER, HEADER + length) })
      bytes = bytes.subarray(HEADER + length)
    }
    this.#left = Buffer.from(bytes)
    return frames
  }
}
