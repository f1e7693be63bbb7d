/** What the gateway tells of drills (transports/gateway/routes/drills.ts, supervisors/drills/drill-report.ts). */
export interface DrillRun {
  readonly id: string
  readonly name: string
  readonly state: 'running' | 'passed' | 'failed' | 'stopped'
  readonly started_at: string
  readonly finished_at: string | null
  readonly lines: readonly string[]
}

export interface DrillRuns {
  readonly offered: readonly { readonly name: string; readonly what: string }[]
  readonly runs: readonly DrillRun[]
}

export interface DrillSummary {
  readonly id: string
  readonly name: string
  readonly started_at: string
  readonly finished_at: string
  readonly passed: boolean
}

export interface KeptDrills {
  readonly tenant: string
  readonly drills: readonly DrillSummary[]
}

export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface DrillReport {
  readonly nodes: number
  readonly gateways: number
  readonly sessions: number
  readonly rate: number
  readonly machine: { readonly cpus: number; readonly load: number }
  readonly faults: Readonly<Record<string, number>>
  readonly accepted: number
  readonly completed: number
  readonly lost: number
  readonly duplicated: number
  readonly outOfOrder: number
  readonly failedRequests: number
  readonly toolsDoubled: number
  readonly toolsUnknown: number
  readonly streams: { readonly gaps: number }
  readonly recovery: Times
  readonly latency: { readonly before: Times; readonly during: Times }
  readonly demands: readonly { readonly what: string; readonly met: boolean; readonly found: string }[]
  readonly wrong: Readonly<Record<string, readonly string[]>>
}
