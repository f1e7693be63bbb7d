/**
 * Drills that an operator starts from the console, on the cluster that this gateway is part of. They run in a process of
 * their own: a drill may kill the gateway that started it, and its report must still be written.
 */
export interface DrillRuns {
  /** Which can be run here, with one line of what each does; empty where there is no cluster. */
  readonly offered: readonly { readonly name: string; readonly what: string }[]
  /** Rejects with DRILL_REFUSED, or DRILL_BUSY while another one runs. */
  start(order: DrillOrder): Promise<DrillRun>
  /** The latest first: those this gateway has started since its own start. */
  list(): readonly DrillRun[]
  stop(id: string): boolean
}

export interface DrillOrder {
  readonly name: string
  readonly sessions: number
  /** Turns a second, all sessions together. */
  readonly rate: number
  readonly durationSeconds: number
  readonly repeat: number
  /** As whoever asked: the drill talks to the gateways with the same token. */
  readonly token?: string | undefined
  /** On a cluster that serves tenants other than the drills' own. */
  readonly inProduction: boolean
}

export interface DrillRun {
  readonly id: string
  readonly name: string
  readonly startedAt: number
  readonly finishedAt?: number
  readonly state: 'running' | 'passed' | 'failed' | 'stopped'
  /** What it said so far, the latest lines. */
  readonly lines: readonly string[]
}
