import type { PolicyDecision } from '../kernel/policy.ts'
import type { Deferred } from './tool.ts'

/** What comes back from beside the mailbox: of policy, of a run, of a check. */

export type Verdict =
  | { readonly kind: 'decision'; readonly decision: PolicyDecision }
  | { readonly kind: 'unavailable'; readonly detail: string }
  | { readonly kind: 'no-slot'; readonly waitedMs: number }

/** How an attempt ended. Never a rejection: whatever a tool does is one of these. */
export type RunResult = EndOfRun | Deferred

export type EndOfRun =
  | { readonly kind: 'output'; readonly output: string; readonly truncated: boolean }
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }
  | { readonly kind: 'timeout'; readonly afterMs: number }

export type Finding =
  | { readonly kind: 'output'; readonly output: string; readonly truncated: boolean }
  | { readonly kind: 'not-run' }
  | { readonly kind: 'unknown' }
