import type { CrashReport } from './crash.ts'
import type { Distribution } from './recovery.ts'

/** At most so many of a kind are named; the rest is counted. */
const NAMED = 5

/** The report as a table for people. */
export function table(report: CrashReport): string {
  const { verdict } = report
  const rows: readonly (readonly [string, string | number])[] = [
    ['kills', `${report.kills} (seed ${report.seed})`],
    ['sessions', report.sessions],
    ['accepted', verdict.accepted],
    ['completed', verdict.completed],
    ['lost', verdict.lost.length],
    ['duplicated', verdict.duplicated.length],
    ['failed', verdict.failed.length],
    ['tool runs doubled', verdict.doubled.length],
    ['tool runs missing', verdict.unrun.length],
    ['tool outcomes unknown', verdict.unknown],
    ['out of order', verdict.outOfOrder.length],
    ['stream gaps', `${verdict.gaps.length} (${report.streamBreaks} streams broken and resumed)`],
    ['kill to ready', times(report.toReady)],
    ['kill to first final', times(report.toFinal)],
    ['took', `${report.seconds} s`],
    ['verdict', report.passed ? 'PASSED' : 'FAILED'],
  ]
  const parts = [
    aligned(rows),
    'kills by the moment aimed at',
    aligned(Object.entries(report.moments)),
    'turns found in each phase, all kills together',
    aligned(Object.entries(report.caught)),
  ]
  const faults = { ...faultsOf(report), other: report.faults }
  for (const [name, list] of Object.entries(faults)) if (list.length > 0) parts.push(named(name, list))
  if (!report.passed) parts.push(`kept for inspection: ${report.folder}`)
  return `${parts.join('\n\n')}\n`
}

function faultsOf({ verdict }: CrashReport): Record<string, readonly string[]> {
  const { lost, duplicated, failed, doubled, unrun, outOfOrder, gaps } = verdict
  return { lost, duplicated, failed, doubled, unrun, 'out of order': outOfOrder, gaps }
}

function named(name: string, list: readonly string[]): string {
  const rest = list.length > NAMED ? [`… and ${list.length - NAMED} more`] : []
  return [`${name}:`, ...list.slice(0, NAMED), ...rest].join('\n  ')
}

function times({ count, p50, p99, max }: Distribution): string {
  return count === 0 ? 'none measured' : `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${count})`
}

function aligned(rows: readonly (readonly [string, string | number])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')
}
