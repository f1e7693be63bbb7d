import type { PolicyDecision } from '../kernel/policy.ts'
import type { CircuitOpen } from './breaker.ts'
import type { LineFull } from './slots.ts'
import type { Deferred } from './tool.ts'

/** What comes back from beside the mailbox: of policy, of a run, of a check. */

export type Verdict =
  | { readonly kind: 'decision'; readonly decision: PolicyDecision }
  | { readonly kind: 'unavailable'; readonly detail: string }
  | Refusal

/** Why a call may not run here and now (admission.ts). */
export type Refusal =
  | { readonly kind: 'no-slot'; readonly waitedMs: number }
  | { readonly kind: 'disabled'; readonly why: string }
  | LineFull
  | CircuitOpen

/** How an attempt ended. Never a rejection: whatever a tool does is one of these. */
export type RunResult = EndOfRun | Deferred

export type EndOfRun =
  | { readonly kind: 'output'; readonly output: string; readonly truncated: boolean }
  | Failed
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | Refusal

export interface Failed {
  readonly kind: 'failed'
  readonly code: string
  readonly detail: string
  /** The tool says that another try may succeed, and whether this one may have taken effect. */
  readonly transient?: 'not-run' | 'may-have-run'
}

export type Finding =
  | { readonly kind: 'output'; readonly output: string; readonly truncated: boolean }
  | { readonly kind: 'not-run' }
  | { readonly kind: 'unknown' }
