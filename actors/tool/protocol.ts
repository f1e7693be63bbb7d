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
    }
  | { readonly kind: 'Cancel'; readonly v: 1; readonly reason: string }
  /** The outcome of a call that its tool deferred. The first one counts. */
  | { readonly kind: 'Settle'; readonly v: 1; readonly callId: string; readonly outcome: SettledOutcome }

/** When it began, and who decided that it may, the call knows itself. */
export type SettledOutcome = Omit<ToolOutcome, 'startedAt' | 'decision'>

export type ToolStatus = 'success' | 'error' | 'timeout' | 'blocked' | 'unknown' | 'cancelled'

export interface ToolOutcome {
  readonly status: ToolStatus
  /** What the model reads: the output, or what went wrong and what to do about it. */
  readonly output: string
  readonly code?: string
  readonly startedAt?: number
  readonly finishedAt: number
  readonly truncated?: boolean
  readonly decision?: { readonly id: string; readonly allow: boolean; readonly reason: string; readonly policy: string }
}
