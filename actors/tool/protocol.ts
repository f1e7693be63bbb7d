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
