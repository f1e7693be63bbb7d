import type { Failure, FailureCode } from '../actors/kernel/failure.ts'
import type { Directive } from '../actors/kernel/supervision.ts'

/** What one failure calls for. Intensity is the restart policy's concern: `quarantine` is its verdict, not a decision. */
export interface Decision {
  readonly directive: Exclude<Directive, 'quarantine'>
  readonly counts: boolean
  readonly atOnce: boolean
}

/**
 * Failures of what the actor stands on, not of the actor or its message: quarantining for them would take every
 * session down with one disk. They restart with backoff for as long as it takes.
 */
const infrastructure: ReadonlySet<FailureCode> = new Set([
  'JOURNAL_UNAVAILABLE',
  'MAILBOX_FULL',
  'DRAINING',
  'MCP_UNAVAILABLE',
])

export function decide(failure: Failure): Decision {
  if (infrastructure.has(failure.code)) return { directive: 'restart', counts: false, atOnce: false }
  // Another activation wrote first; recovering reads what it wrote. Counted, since a conflict that recurs is a defect.
  if (failure.code === 'JOURNAL_CONFLICT') return { directive: 'restart', counts: true, atOnce: true }
  switch (failure.disposition) {
    case 'retry':
      return { directive: 'restart', counts: true, atOnce: false }
    case 'passivate':
      return { directive: 'stop', counts: false, atOnce: false }
    // The message is at fault and the state is as it was before: the message goes to the dead, the actor goes on.
    case 'reply':
    case 'dead-letter':
      return { directive: 'resume', counts: false, atOnce: false }
    case 'fatal':
      return { directive: 'escalate', counts: false, atOnce: false }
  }
}
