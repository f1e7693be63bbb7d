import type { PolicyDecision } from '../actors/kernel/policy.ts'

/**
 * Tool calls that policy denied, waiting for an operator. The list is read from the journal, so that a call is on it when and
 * only when its denial is journaled; what is kept here are the resolutions.
 *   Q1. The first resolution of a call stands.
 *   Q2. A call leaves the list when what was resolved is done: an `allow` that was not carried out is still on it.
 */
export interface RequeuedCalls {
  /** Newest first, after the one with the id `before`; of one tenant, or of all. */
  list(query: { tenant?: string; limit: number; before?: string }): Promise<RequeuedCall[]>
  get(callId: string): Promise<RequeuedCall | undefined>
  /** Answers the resolution that stands. */
  resolve(callId: string, resolution: Resolution): Promise<Resolution>
  /** What was resolved has been carried out. */
  done(callId: string): Promise<void>
}

export interface RequeuedCall {
  readonly callId: string
  readonly tenant: string
  readonly sessionId: string
  readonly personaId: string
  readonly tool: string
  readonly args: unknown
  readonly metadata: Readonly<Record<string, unknown>>
  readonly decision: PolicyDecision
  /** Epoch milliseconds. */
  readonly deniedAt: number
  readonly resolution?: Resolution & { readonly done: boolean }
}

export interface Resolution {
  readonly action: 'allow' | 'deny'
  readonly by: string
  readonly why: string
  readonly at: number
}
