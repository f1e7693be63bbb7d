import type { InjectedMessage } from '../../actors/session/protocol.ts'
import type { ConversationEvent } from '../outbound.ts'

/**
 * What would happen if: a fork of a session, made from its journal, run to its end in memory.
 *   R1. It touches nothing: no journal, record, usage, outbox or mailbox is written, and no tool runs.
 *   R2. The behaviour, the model and policy are the real ones. A model call costs what it costs: it is bounded here,
 *       refused when the day's budget is spent, told in the report, and not booked.
 *   R3. A tool call whose tool and arguments the journal knows gets the recorded outcome; any other is told that it was
 *       not run.
 */
export interface DryRuns {
  run(asked: DryRunRequest, signal: AbortSignal): Promise<DryRunReport>
}

export interface DryRunRequest {
  readonly sessionId: string
  readonly inject?: InjectedMessage
  /** Words of a user that follow, in both runs. */
  readonly message?: string
  readonly by: string
  readonly why: string
  /** The session as it was after this event; its newest by default. */
  readonly at?: number
  readonly limits: DryRunLimits
}

/** Of each of the two runs. Tokens are counted by the endpoint after each call, and by their length within one. */
export interface DryRunLimits {
  readonly steps: number
  readonly tokens: number
  readonly seconds: number
}

export interface DryRunReport {
  readonly sessionId: string
  readonly at: number
  readonly head: number
  readonly limits: DryRunLimits
  readonly baseline: DryRunSide
  readonly fork: DryRunSide
  readonly difference: DryRunDifference
}

export interface DryRunSide {
  /** journal: what did happen. run: the same fork without the injected message. */
  readonly source: 'journal' | 'run'
  readonly ended: DryRunEnd
  readonly events: readonly ConversationEvent[]
  readonly outcome: string | undefined
  readonly finalText: string | undefined
  readonly toolCalls: readonly DryRunCall[]
  /** Answered ones: what was paid for. */
  readonly modelCalls: number
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number; readonly costMicros: number }
}

/** final: every turn came to its end. idle: no turn ran. The others are the limit that cut it off. */
export type DryRunEnd = 'final' | 'idle' | 'paused' | 'steps' | 'tokens' | 'seconds' | 'cancelled'

export interface DryRunCall {
  readonly tool: string
  readonly args: unknown
  readonly status: string | undefined
  readonly output: string | undefined
  /** Where the outcome is from. real: it ran, in the baseline's past. refused: it would not have run. */
  readonly from: 'real' | 'recorded' | 'simulated' | 'refused'
  readonly decision?: { readonly allow: boolean; readonly reason: string; readonly policy: string }
}

export interface DryRunDifference {
  readonly changed: boolean
  readonly text: readonly DifferenceLine[]
  readonly callsOnlyInBaseline: readonly string[]
  readonly callsOnlyInFork: readonly string[]
  readonly tokens: number
  readonly costMicros: number
}

export interface DifferenceLine {
  readonly op: '=' | '-' | '+'
  readonly line: string
}
