import type { FileHandle } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'

const CHUNK = 64 * 1_024
/** So much of a file is gone through at most, to find its line `from`. */
const MAX_SCANNED = 64 * 1_048_576

export interface Excerpt {
  readonly text: string
  readonly from: number
  /** The last line shown; below `from` when there is none. */
  readonly to: number
  /** Lines of the whole file; undefined when its end was not reached. */
  readonly total: number | undefined
  readonly stopped: 'end' | 'lines' | 'characters' | 'scanned'
}

/**
 * Some lines of a text, read in pieces, so that a large file costs no more memory than what is shown. `characters` bounds
 * the text; a line that does not fit any more is cut there.
 */
export async function linesOf(
  handle: FileHandle,
  { from, lines, characters, signal }: { from: number; lines: number; characters: number; signal: AbortSignal },
): Promise<Excerpt> {
  const decoder = new StringDecoder('utf8')
  const buffer = Buffer.alloc(CHUNK)
  let line = 1
  let text = ''
  let last = ''
  for (let at = 0; at < MAX_SCANNED; ) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at)
    at += bytesRead
    const piece = bytesRead === 0 ? decoder.end() : decoder.write(buffer.subarray(0, bytesRead))
    last = piece.at(-1) ?? last
    for (let start = 0; start < piece.length; ) {
      const newline = piece.indexOf('\n', start)
      const end = newline === -1 ? piece.length : newline + 1
      if (line >= from + lines) return told(text, from, line - 1, undefined, 'lines')
      if (line >= from) text += piece.slice(start, end)
      if (text.length > characters) return told(text.slice(0, characters), from, line, undefined, 'characters')
      if (newline !== -1) line += 1
      start = end
    }
    if (bytesRead === 0) {
      const total = at === 0 ? 0 : line - (last === '\n' ? 1 : 0)
      return told(text, from, Math.min(total, from + lines - 1), total, 'end')
    }
  }
  return told(text, from, line, undefined, 'scanned')
}

function told(text: string, from: number, to: number, total: number | undefined, stopped: Excerpt['stopped']): Excerpt {
  return { text, from, to, total, stopped }
}
