import type { Readable } from 'node:stream'
import type { Clock } from '../../actors/kernel/clock.ts'

const MAX_LINE = 2_000
/** Lines that are told in a window; those beyond are counted. */
const LINES_PER_WINDOW = 50
const WINDOW_MS = 10_000

/** Tells a line, unless there are too many; those that are not told are counted, and their number is told later. */
export interface FewLines {
  line(text: string): void
  end(): void
}

/** A flood of lines of a server costs its own lines, not our log (I9). */
export function fewLines(clock: Clock, tell: (line: string) => void): FewLines {
  let since = clock.now()
  let told = 0
  let dropped = 0
  const rest = () => {
    if (dropped > 0) tell(`(${dropped} more lines)`)
    dropped = 0
  }
  return {
    line(text) {
      if (text.trim() === '') return
      if (clock.now() - since >= WINDOW_MS) {
        rest()
        since = clock.now()
        told = 0
      }
      if (told < LINES_PER_WINDOW) {
        told++
        tell(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text)
      } else dropped++
    },
    end: rest,
  }
}

/** What a server writes to stderr, line by line. */
export function tellLines(stream: Readable, clock: Clock, tell: (line: string) => void): void {
  const few = fewLines(clock, tell)
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() as string).slice(0, MAX_LINE + 1)
    for (const text of lines) few.line(text)
  })
  stream.on('end', () => {
    few.line(rest)
    few.end()
  })
  stream.on('error', () => {})
}
