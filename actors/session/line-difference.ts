import type { DifferenceLine } from '../../transports/gateway/dry-runs.ts'

/** Lines kept, taken away and added: the longest common subsequence of two short texts. */

/** Beyond so many cells the table is not worth its memory: what differs is then all of one and all of the other. */
const MAX_CELLS = 4_000_000

export function lineDifference(before: string, after: string): DifferenceLine[] {
  const a = linesOf(before)
  const b = linesOf(after)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const middle = middleOf(a.slice(start, a.length - end), b.slice(start, b.length - end))
  return [...marked('=', a.slice(0, start)), ...middle, ...marked('=', a.slice(a.length - end))]
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n')
}

function marked(op: DifferenceLine['op'], lines: readonly string[]): DifferenceLine[] {
  return lines.map((line) => ({ op, line }))
}

function middleOf(a: readonly string[], b: readonly string[]): DifferenceLine[] {
  if ((a.length + 1) * (b.length + 1) > MAX_CELLS) return [...marked('-', a), ...marked('+', b)]
  const width = b.length + 1
  // common[i, j]: length of the longest common subsequence of what lies behind i and j.
  const common = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DifferenceLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [before, after] = [a[i], b[j]]
    if (before !== undefined && before === after) {
      lines.push({ op: '=', line: before })
      i++
      j++
    } else if (before !== undefined && (after === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ op: '-', line: before })
      i++
    } else if (after !== undefined) {
      lines.push({ op: '+', line: after })
      j++
    }
  }
  return lines
}
