import type { Distribution } from './recovery.ts'

/** What one drill came to: stored, listed by `soma drills`, and shown as a table. Version 1. */
export interface DrillReport {
  readonly v: 1
  readonly id: string
  readonly name: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly passed: boolean
  readonly seed: number
  readonly nodes: number
  readonly gateways: number
  readonly sessions: number
  readonly rate: number
  /** Of the whole machine at the end: times measured while others keep it busy say little. */
  readonly machine: { readonly cpus: number; readonly load: number }
  /** How often each fault was worked. */
  readonly faults: Readonly<Record<string, number>>
  readonly accepted: number
  readonly completed: number
  readonly lost: number
  readonly duplicated: number
  readonly outOfOrder: number
  /** Turns whose final says failed or stopped. */
  readonly failedTurns: number
  /** Calls of tools that are not idempotent which ran twice; calls answered without having run. */
  readonly toolsDoubled: number
  readonly toolsMissing: number
  /** Calls whose outcome nobody can know: what a kill costs, no fault. */
  readonly toolsUnknown: number
  /** Messages that no gateway took, or that one refused although it could have taken them. */
  readonly failedRequests: number
  /** Sendings that were repeated, as any careful client does. */
  readonly retriedRequests: number
  readonly streams: {
    /** Ended by a gateway that said so (DRAINING), and resumed at the cursor. */
    readonly told: number
    /** Cut without a word, and resumed at the cursor. */
    readonly cut: number
    /** Events missed, doubled or out of order for a reader. */
    readonly gaps: number
  }
  readonly recovery: Distribution
  /** A turn from its first sending to its final as seen by the client, before the first fault and from then on. */
  readonly latency: { readonly before: Distribution; readonly during: Distribution }
  /** What the drill itself demanded: `neighbours answered meanwhile`, `p99 of recovery <= 3000 ms`. */
  readonly demands: readonly Demand[]
  /** The first of each kind that went wrong. */
  readonly wrong: Readonly<Record<string, readonly string[]>>
  /** Logs and ledger, kept when it failed. */
  readonly folder?: string
}

export interface Demand {
  readonly what: string
  readonly met: boolean
  readonly found: string
}

/** How the demand on the time of recovery begins, which alone depends on how busy the machine is. */
export const RECOVERY_DEMAND = 'p99 of recovery'

/** As rows for people. */
export function reportRows(report: DrillReport): (readonly [string, string])[] {
  const { streams, latency } = report
  const faults = Object.entries(report.faults).map(([what, times]) => `${what} ×${times}`)
  return [
    ['drill', `${report.name} (${report.id}, seed ${report.seed})`],
    ['cluster', `${report.nodes} nodes, ${report.gateways} gateways`],
    ['load', `${report.sessions} sessions, ${report.rate} turns/s asked for`],
    ['machine', `${report.machine.cpus} CPUs, load ${report.machine.load}`],
    ['took', `${((report.finishedAt - report.startedAt) / 1_000).toFixed(1)} s`],
    ['faults', faults.join(', ') || 'none'],
    ['accepted, completed', `${report.accepted}, ${report.completed}`],
    ['lost, duplicated, out of order', `${report.lost}, ${report.duplicated}, ${report.outOfOrder}`],
    ['failed turns', String(report.failedTurns)],
    ['tool runs doubled, missing, unknown', `${report.toolsDoubled}, ${report.toolsMissing}, ${report.toolsUnknown}`],
    ['failed requests', `${report.failedRequests} (${report.retriedRequests} sent again)`],
    ['streams', `${streams.told} ended with a word, ${streams.cut} cut; ${streams.gaps} gaps`],
    ['recovery', times(report.recovery)],
    ['turn before', times(latency.before)],
    ['turn during', times(latency.during)],
    ...report.demands.map(
      ({ what, met, found }) => [met ? 'met' : 'NOT MET', `${what}: ${found}`] as readonly [string, string],
    ),
    ['verdict', verdictOf(report)],
  ]
}

function verdictOf(report: DrillReport): string {
  if (report.passed) return 'PASSED'
  const unmet = report.demands.filter(({ met }) => !met)
  const late = unmet.length > 0 && unmet.every(({ what }) => what.startsWith(RECOVERY_DEMAND))
  // Without one recovery measured, the fault struck nobody: that is no matter of time.
  if (!late || report.recovery.count === 0 || Object.keys(report.wrong).length > 0) return 'FAILED'
  const { load, cpus } = report.machine
  const busy = load > cpus * 2 ? `; the machine was busy (load ${load} on ${cpus} CPUs)` : ''
  return `FAILED, on time alone: nothing was lost or doubled${busy}`
}

export function reportTable(report: DrillReport): string {
  const rows = reportRows(report)
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
  const wrong = Object.entries(report.wrong).flatMap(([kind, list]) =>
    list.length === 0 ? [] : [`${kind}:`, ...list.map((one) => `  ${one}`)],
  )
  const kept = report.folder === undefined ? [] : [`kept for inspection: ${report.folder}`]
  return [...lines, ...wrong, ...kept].join('\n')
}

/** One table of several reports, as committed under docs/. */
export function markdown(reports: readonly DrillReport[]): string {
  const head = [
    'drill',
    'faults',
    'accepted',
    'completed',
    'lost',
    'duplicated',
    'out of order',
    'failed requests',
    'streams told, cut, gaps',
    'tools doubled, missing',
    'recovery p50, p99, max',
    'verdict',
  ]
  const rows = reports.map((report) => [
    report.name,
    Object.entries(report.faults)
      .map(([what, times]) => `${what} ×${times}`)
      .join(', '),
    report.accepted,
    report.completed,
    report.lost,
    report.duplicated,
    report.outOfOrder,
    report.failedRequests,
    `${report.streams.told}, ${report.streams.cut}, ${report.streams.gaps}`,
    `${report.toolsDoubled}, ${report.toolsMissing}`,
    report.recovery.count === 0
      ? '—'
      : `${report.recovery.p50}, ${report.recovery.p99}, ${report.recovery.max} ms (${report.recovery.count})`,
    report.passed ? 'passed' : '**failed**',
  ])
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function times({ count, p50, p99, max }: Distribution): string {
  return count === 0 ? 'none measured' : `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${count})`
}
