import { assertNever } from '../kernel/behaviour.ts'
import type { PolicyDecision } from '../kernel/policy.ts'
import type { EarlyOutcome } from './deferral.ts'
import type { Deferral, Invocation, ToolEvent } from './events.ts'

/** An invocation as its events fold; its life is drawn in behaviour.ts. */
export type ToolState =
  | { readonly phase: 'new' }
  | {
      readonly phase: 'authorizing'
      readonly tenant: string
      readonly invocation: Invocation
      readonly decision?: PolicyDecision
      readonly early?: readonly EarlyOutcome[]
    }
  | Underway
  | { readonly phase: 'finished'; readonly tenant: string; readonly callId: string; readonly tool: string }

export interface Underway {
  readonly phase: 'running' | 'reconciling'
  readonly tenant: string
  readonly invocation: Invocation
  readonly decision: PolicyDecision
  readonly attempt: number
  readonly idempotent: boolean
  readonly startedAt: number
  readonly interruptions: number
  /** The tool has run; its outcome comes as a message. */
  readonly deferral?: Deferral
  readonly early?: readonly EarlyOutcome[]
  /** Attempts that failed and were followed by another, or will be at `retryAt`. */
  readonly failures?: number
  /** Epoch milliseconds: this attempt failed, and the next one waits until then. */
  readonly retryAt?: number
}

/** Total: an event that does not fit leaves the state as it is. */
export function evolve(state: ToolState, event: ToolEvent): ToolState {
  switch (event.kind) {
    case 'InvocationAccepted':
      return { phase: 'authorizing', tenant: event.invocation.tenant, invocation: event.invocation }
    case 'InvocationAuthorized':
      return state.phase === 'authorizing' ? { ...state, decision: event.decision } : state
    case 'InvocationStarted': {
      if (state.phase === 'new' || state.phase === 'finished' || state.decision === undefined) return state
      const { tenant, invocation, decision } = state
      const { attempt, idempotent, startedAt } = event
      const interruptions = state.phase === 'authorizing' ? 0 : state.interruptions
      const early = state.early && { early: state.early }
      const failed = 'failures' in state && { failures: state.failures }
      const run = { attempt, idempotent, startedAt, interruptions }
      return { phase: 'running', tenant, invocation, decision, ...run, ...early, ...failed }
    }
    case 'InvocationDeferred': {
      if (state.phase !== 'running') return state
      const { kind: _, ...deferral } = event
      return { ...state, deferral }
    }
    case 'InvocationSettledEarly': {
      if (state.phase === 'new' || state.phase === 'finished') return state
      const { by, outcome } = event
      return { ...state, early: [...(state.early ?? []), { by, outcome }] }
    }
    case 'InvocationFailed':
      if (state.phase !== 'running') return state
      return { ...state, failures: (state.failures ?? 0) + 1, retryAt: event.retryAt }
    case 'InvocationInterrupted':
      if (state.phase !== 'running' && state.phase !== 'reconciling') return state
      return { ...state, phase: 'reconciling', interruptions: state.interruptions + 1 }
    case 'InvocationFinished':
      if (state.phase === 'new' || state.phase === 'finished') return state
      return {
        phase: 'finished',
        tenant: state.tenant,
        callId: state.invocation.callId,
        tool: state.invocation.tool,
      }
    default:
      return assertNever(event)
  }
}
