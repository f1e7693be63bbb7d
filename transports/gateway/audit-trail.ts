/** What tools did and who allowed it, row by row, out of the journal (actors/tool/audit-trail.ts). */
export interface AuditTrail {
  /** The rows of one call follow each other in their order; calls come in no order of time. Bounded by `limit` rows. */
  rows(query: AuditQuery): AsyncIterable<AuditRow>
}

export interface AuditQuery {
  /** Epoch milliseconds, both inclusive. */
  readonly since: number
  readonly until: number
  /** Left out: of all tenants. */
  readonly tenant?: string
  readonly limit: number
}

/** The old stack's columns; `details` has what is particular to the action. */
export interface AuditRow {
  readonly at: string
  /** Id of the message that caused it. */
  readonly request_id: string
  readonly session_id: string
  readonly tenant: string
  /** The persona, or the operator. */
  readonly subject: string
  readonly action:
    | 'tool.request.enqueue'
    | 'tool.request.denied'
    | 'tool.policy.decision'
    | 'tool.execute.start'
    | 'tool.execute.retry'
    | 'tool.execute.interrupted'
    | 'tool.execute.deferred'
    | 'tool.execute.finish'
    | 'tool.switch'
  /** The tool. */
  readonly resource: string
  /** The call. */
  readonly target_id: string
  readonly details: Readonly<Record<string, unknown>>
}
