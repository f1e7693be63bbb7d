import type { Readable } from 'node:stream'
import type { Clock } from '../../actors/kernel/clock.ts'

const MAX_LINE = 2_000
/** Lines that are told in a window; those beyond are counted. */
const LINES_PER_WINDOW = 50
const WINDOW_MS = 10_000

/** What a server writes to stderr, line by line; a flood of it costs its own lines, not our log (I9). */
export function tellLines(stream: Readable, clock: Clock, tell: (line: string) => void): void {
  let rest = ''
  let since = clock.now()
  let told = 0
  let dropped = 0
  const line = (text: string) => {
    if (text.trim() === '') return
    if (clock.now() - since >= WINDOW_MS) {
      if (dropped > 0) tell(`(${dropped} more lines)`)
      since = clock.now()
      told = dropped = 0
    }
    if (told < LINES_PER_WINDOW) {
      told++
      tell(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text)
    } else dropped++
  }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() as string).slice(0, MAX_LINE + 1)
    for (const text of lines) line(text)
  })
  stream.on('end', () => {
    line(rest)
    if (dropped > 0) tell(`(${dropped} more lines)`)
  })
  stream.on('error', () => {})
}
