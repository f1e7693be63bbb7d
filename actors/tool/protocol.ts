import type { Address } from '../kernel/address.ts'

/** The words of a tool invocation, address `tool:<session>/<turn>.<step>.<index>`: one call, one life, one outcome. */
export type ToolCommand =
  | {
      readonly kind: 'Invoke'
      readonly v: 1
      readonly callId: string
      readonly tool: string
      /** Parsed JSON; validated against the tool's schema by the invocation. */
      readonly args: unknown
      readonly sessionId: string
      readonly turnId: string
      readonly personaId: string
      readonly metadata: Readonly<Record<string, unknown>>
      /** Where ToolReturned goes. */
      readonly replyTo: Address
      /** For tools that begin work in other sessions: where the asking one stands, and what is left to it. */
      readonly lineage?: Lineage
      /** Said by an operator of a call that policy denied; no client can say it. */
      readonly approval?: Approval
    }
  | { readonly kind: 'Cancel'; readonly v: 1; readonly reason: string }
  /** The outcome of a call that its tool deferred. The first one counts. */
  | { readonly kind: 'Settle'; readonly v: 1; readonly callId: string; readonly outcome: SettledOutcome }

/** An operator lets a call run that policy denied: it is the decision of the call that runs in its stead. */
export interface Approval {
  /** The call that was denied. */
  readonly callId: string
  readonly by: string
  readonly why: string
}

/** Of what is delegated, in characters: by a model, over HTTP or on a topic. */
export const TASK = { maxTask: 20_000, maxPersona: 63, maxContext: 100_000 } as const

export interface Lineage {
  /** 0 for a session of a person; one more for each delegation above. */
  readonly depth: number
  /** Delegations of the asking turn so far, this one included. */
  readonly delegations: number
  /** This call's share of what turn and session may still use; left out: no limit. */
  readonly tokensLeft?: number
}

/** Tokens; cost in micro-dollars. */
export interface ModelUsage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly costMicros: number
}

/** When it began, and who decided that it may, the call knows itself. */
export type SettledOutcome = Omit<ToolOutcome, 'startedAt' | 'decision'>

export type ToolStatus = 'success' | 'error' | 'timeout' | 'blocked' | 'unknown' | 'cancelled' | 'circuit_open'

export interface ToolOutcome {
  readonly status: ToolStatus
  /** What the model reads: the output, or what went wrong and what to do about it. */
  readonly output: string
  readonly code?: string
  readonly startedAt?: number
  readonly finishedAt: number
  readonly truncated?: boolean
  /** Seconds after which it is worth asking again. */
  readonly retryAfter?: number
  /** What was used of models on the way: it counts for the budgets of the asking turn and session. */
  readonly usage?: ModelUsage
  readonly decision?: { readonly id: string; readonly allow: boolean; readonly reason: string; readonly policy: string }
}
