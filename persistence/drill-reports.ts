/**
 * Reports of failover drills. They are kept as they were written: what a report holds is the drills' own affair
 * (supervisors/drills/drill-report.ts), this contract knows only what a list needs.
 */
export interface DrillReports {
  /** Kept once under its id; saving it again changes nothing. */
  save(report: StoredDrill): Promise<void>
  /** Newest first, without the reports themselves. */
  list(limit: number): Promise<DrillSummary[]>
  get(id: string): Promise<StoredDrill | undefined>
}

export interface DrillSummary {
  readonly id: string
  readonly name: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly passed: boolean
}

export interface StoredDrill extends DrillSummary {
  readonly report: unknown
}
