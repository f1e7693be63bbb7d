import { Failure } from '../kernel/failure.ts'
import type { EventCodec } from '../kernel/journaled-kind.ts'
import type { Persona } from '../persona.ts'
import type { Approval, ToolOutcome } from '../tool/protocol.ts'
import type {
  Asked,
  Callback,
  ClientTool,
  Delegated,
  HistoryMessage,
  InjectedMessage,
  PendingEdit,
  QuickAction,
  Timer,
  UploadProgress,
} from './protocol.ts'

/** What happened to a session, as journaled. A shape once written is readable for ever: add a version and an upcaster. */
/** An event, and the persona that the session had once it happened: what readers are shown beside it, for ever. */
export type RecordedEvent = SessionEvent & { readonly persona?: string }

export type SessionEvent =
  | {
      readonly kind: 'SessionStarted'
      readonly tenant: string
      readonly personaId: string
      readonly metadata: Metadata
      readonly delegated?: Delegated
    }
  | { readonly kind: 'HistoryImported'; readonly title?: string; readonly messages: readonly HistoryMessage[] }
  | ({ readonly kind: 'UserTurnAccepted' } & TurnRequest)
  | {
      readonly kind: 'UserTurnRejected'
      readonly turnId: string
      readonly text: string
      readonly code: string
      readonly detail: string
    }
  | {
      readonly kind: 'TurnStarted'
      readonly turnId: string
      readonly deadline: number
      readonly limits: Persona['limits']
    }
  | {
      readonly kind: 'ModelCallStarted'
      readonly turnId: string
      readonly step: number
      readonly attempt: number
      readonly reason: CallReason
    }
  | {
      readonly kind: 'ModelReplied'
      readonly turnId: string
      readonly step: number
      readonly text: string
      readonly calls: readonly RequestedCall[]
      readonly finishReason: FinishReason
      readonly model: string
      readonly usage: TokenUsage
    }
  | {
      readonly kind: 'ToolCallStarted'
      readonly turnId?: string
      readonly callId: string
      readonly tool: string
      readonly args: unknown
      readonly callback?: Callback
      readonly approval?: Approval
      readonly asked?: Asked
    }
  | {
      readonly kind: 'ToolCallFinished'
      readonly turnId?: string
      readonly callId: string
      readonly tool: string
      readonly outcome: ToolOutcome
      /** As in its start: what is published of an event is made of that event alone. */
      readonly asked?: Asked
    }
  | {
      readonly kind: 'TurnFinished'
      readonly turnId: string
      readonly outcome: TurnOutcome
      readonly finishReason: FinishReason
      readonly text: string
      readonly code?: string
      readonly detail?: string
      readonly clientCalls?: readonly RequestedCall[]
      readonly steps: number
      readonly model: string
      readonly usage: TokenUsage
    }
  | { readonly kind: 'Paused'; readonly reason: string; readonly partialText: string }
  | { readonly kind: 'Resumed' }
  | { readonly kind: 'Intervened'; readonly turnId: string; readonly text: string; readonly partialText: string }
  | {
      readonly kind: 'MessageInjected'
      readonly message: InjectedMessage
      readonly by: string
      readonly why: string
      readonly partialText: string
    }
  | { readonly kind: 'StepModeSet'; readonly on: boolean; readonly by: string; readonly why: string }
  /** A step waits for an operator. `hold` is this event's own seq; `since` that of an earlier hold it takes over from. */
  | ({ readonly kind: 'StepHeld'; readonly turnId: string; readonly hold: number; readonly since: number } & HeldStep)
  /** The step goes on; `deadline` is the turn's, put off by the time it was held. */
  | { readonly kind: 'StepReleased'; readonly turnId: string; readonly deadline: number; readonly by: string }
  | {
      readonly kind: 'PendingEdited'
      readonly turnId: string
      readonly edit: PendingEdit
      readonly before: string
      readonly by: string
      readonly why: string
    }
  | { readonly kind: 'PersonaSwitched'; readonly personaId: string }
  | { readonly kind: 'MetadataUpdated'; readonly metadata: Metadata }
  | { readonly kind: 'Scheduled'; readonly timer: Timer }
  /** `due`: the time it was for; `missed`: later times that had passed as well; `next`: none, and the timer is over. */
  | {
      readonly kind: 'ScheduleFired'
      readonly timerId: string
      readonly due: number
      readonly missed: number
      readonly next?: number
    }
  | { readonly kind: 'ScheduleCancelled'; readonly timerId: string; readonly reason: string }
  /** A question about timers was answered: the answer is what the call returns. */
  | { readonly kind: 'TimersAnswered'; readonly callId: string }
  /** Messages [from, to) of the history are now told to the model as `summary`, together with what was condensed before. */
  | {
      readonly kind: 'HistoryCondensed'
      readonly from: number
      readonly to: number
      readonly summary: string
      readonly model: string
      readonly usage: TokenUsage
    }
  | {
      readonly kind: 'CondensingFailed'
      readonly from: number
      readonly to: number
      readonly code: string
      readonly detail: string
    }
  | ({ readonly kind: 'UploadNoted' } & UploadProgress)
  | { readonly kind: 'SessionReset' }
  | { readonly kind: 'SessionDeleted' }

export type Metadata = Readonly<Record<string, unknown>>
export type FinishReason = 'stop' | 'tool_calls' | 'length' | 'content_filter'
export type TurnOutcome = 'completed' | 'stopped' | 'failed' | 'client_tools'
/** Why a model call begins; all but `next` make the previews of an earlier attempt void. */
export type CallReason = 'next' | 'recovered' | 'resumed' | 'nudged' | 'intervened' | 'injected' | 'garbled'

/** What a held step is about to do. */
export type HeldStep =
  | { readonly before: 'model'; readonly reason: CallReason }
  | { readonly before: 'call'; readonly callId: string }

export interface TurnRequest {
  readonly turnId: string
  readonly text: string
  readonly attachments: readonly string[]
  readonly metadata: Metadata
  readonly action?: QuickAction
  readonly model?: string
  readonly temperature?: number
  readonly maxTokens?: number
  readonly clientTools?: readonly ClientTool[]
  readonly toolResults?: readonly { readonly toolCallId: string; readonly content: string }[]
  readonly instructions?: string
  /** W3C traceparent: the turn goes on in its own trace when it waited, or outlived a process. */
  readonly trace?: string
}

export interface RequestedCall {
  readonly callId: string
  /** The id the model gave: what it must read beside the result. Made unique within the session. */
  readonly modelCallId: string
  readonly tool: string
  /** As the model wrote it. */
  readonly arguments: string
  readonly by: 'server' | 'client'
}

/** Tokens; cost in micro-dollars. */
export interface TokenUsage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly costMicros: number
}

export const noUsage: TokenUsage = { promptTokens: 0, completionTokens: 0, costMicros: 0 }

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    costMicros: a.costMicros + b.costMicros,
  }
}

type Upcaster = (data: Record<string, unknown>) => Record<string, unknown>

/**
 * Today's version of each kind, and how an older one becomes it: `upcasters[kind][n]` turns version n+1 into n+2.
 * A kind with no entry is at version 1.
 */
export const upcasters: Readonly<Partial<Record<SessionEvent['kind'], readonly Upcaster[]>>> = {}

const kinds: ReadonlySet<string> = new Set<SessionEvent['kind']>([
  'SessionStarted',
  'HistoryImported',
  'UserTurnAccepted',
  'UserTurnRejected',
  'TurnStarted',
  'ModelCallStarted',
  'ModelReplied',
  'ToolCallStarted',
  'ToolCallFinished',
  'TurnFinished',
  'Paused',
  'Resumed',
  'Intervened',
  'MessageInjected',
  'StepModeSet',
  'StepHeld',
  'StepReleased',
  'PendingEdited',
  'PersonaSwitched',
  'MetadataUpdated',
  'Scheduled',
  'ScheduleFired',
  'ScheduleCancelled',
  'TimersAnswered',
  'HistoryCondensed',
  'CondensingFailed',
  'UploadNoted',
  'SessionReset',
  'SessionDeleted',
])

export function sessionCodec(
  table: Readonly<Partial<Record<string, readonly Upcaster[]>>> = upcasters,
): EventCodec<SessionEvent> {
  const versionOf = (kind: string) => (table[kind]?.length ?? 0) + 1
  return {
    encode: ({ kind, ...data }) => ({ kind, version: versionOf(kind), data }),
    decode(stored) {
      const today = versionOf(stored.kind)
      if (!kinds.has(stored.kind) || stored.version > today) {
        throw new Failure(
          'UNREADABLE_EVENT',
          `session event ${stored.kind} version ${stored.version} at seq ${stored.seq}`,
        )
      }
      let data = stored.data as Record<string, unknown>
      for (let version = stored.version; version < today; version++)
        data = table[stored.kind]?.[version - 1]?.(data) ?? data
      return { kind: stored.kind, ...data } as SessionEvent
    },
  }
}
