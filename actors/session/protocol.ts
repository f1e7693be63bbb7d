import type { Approval, ToolOutcome } from '../tool/protocol.ts'

/** The words of a session, address `session:<uuid>`. Commands are imperative, events past tense (events.ts). */
export type SessionCommand =
  | {
      readonly kind: 'AcceptUserTurn'
      readonly v: 1
      /** The envelope's id: the client's `event_id`, the turn's id. */
      readonly turnId: string
      readonly text: string
      readonly attachments: readonly string[]
      readonly metadata: Readonly<Record<string, unknown>>
      readonly personaId?: string
      /** Overrides the persona's model for this turn (the OpenAI surface's `model`). */
      readonly model?: string
      readonly temperature?: number
      readonly maxTokens?: number
      /** Tools that the client itself runs: a call of one ends the turn with `tool_calls`. */
      readonly clientTools?: readonly ClientTool[]
      /** Earlier messages, put before the turn when the session is new (a stateless OpenAI request), else ignored. */
      readonly history?: readonly HistoryMessage[]
      /** Results of client tools that the last turn asked for. */
      readonly toolResults?: readonly { readonly toolCallId: string; readonly content: string }[]
      /** An instruction for this turn only (OpenAI `instructions`, a system message). */
      readonly instructions?: string
      /** The session is born by this turn to do it for another; ignored by a session that exists. */
      readonly delegated?: Delegated
    }
  /** A user's message that cannot be accepted, from where nobody waits to be told: the session tells its readers. */
  | {
      readonly kind: 'RefuseUserTurn'
      readonly v: 1
      readonly turnId: string
      readonly text: string
      readonly code: string
      readonly detail: string
    }
  | {
      readonly kind: 'Act'
      readonly v: 1
      readonly turnId: string
      readonly action: QuickAction
      readonly metadata: Readonly<Record<string, unknown>>
    }
  /** Ends the running turn (or the one named) at once; the text shown so far is kept. */
  | {
      readonly kind: 'Stop'
      readonly v: 1
      readonly turnId?: string
      readonly reason: string
      readonly alsoQueued?: boolean
    }
  | { readonly kind: 'Pause'; readonly v: 1; readonly reason: string }
  | { readonly kind: 'Resume'; readonly v: 1 }
  /** Cancels the step in flight and starts it again. */
  | { readonly kind: 'Nudge'; readonly v: 1 }
  /** The user interrupts the running turn with more words: the step in flight is cancelled, its shown text kept. */
  | { readonly kind: 'Intervene'; readonly v: 1; readonly text: string }
  | {
      readonly kind: 'Inject'
      readonly v: 1
      readonly message: InjectedMessage
      readonly by: string
      readonly why: string
    }
  /** Step mode: the session waits before every model call and every tool call until an operator says go on. */
  | { readonly kind: 'SetStepMode'; readonly v: 1; readonly on: boolean; readonly by: string; readonly why: string }
  /** One step on. `hold` names what the operator saw: of another it means nothing, so a repeat never steps twice. */
  | { readonly kind: 'Step'; readonly v: 1; readonly hold: number; readonly by: string }
  /** Changes what the step is about to do, before it does it. */
  | {
      readonly kind: 'EditPending'
      readonly v: 1
      readonly hold: number
      readonly edit: PendingEdit
      readonly by: string
      readonly why: string
    }
  | { readonly kind: 'SwitchPersona'; readonly v: 1; readonly personaId: string }
  | { readonly kind: 'UpdateMetadata'; readonly v: 1; readonly metadata: Readonly<Record<string, unknown>> }
  | { readonly kind: 'Reset'; readonly v: 1 }
  | { readonly kind: 'Delete'; readonly v: 1 }
  | { readonly kind: 'Import'; readonly v: 1; readonly title?: string; readonly history: readonly HistoryMessage[] }
  /** A tool call asked for by a client, outside any turn (POST /v1/tool/request). */
  | {
      readonly kind: 'RequestTool'
      readonly v: 1
      readonly requestId: string
      readonly tool: string
      readonly args: unknown
      readonly metadata: Readonly<Record<string, unknown>>
      /** Told of the outcome, by HTTP. */
      readonly callback?: Callback
      /** An operator lets a call run that was denied (routes/requeue.ts); no client can say so. */
      readonly approval?: Approval
      /** Metadata of the session, if it is this call that begins it. */
      readonly born?: Readonly<Record<string, unknown>>
      /** Asked for by a message that reads its answer from a topic, not from the session's stream. */
      readonly answered?: boolean
    }
  /** How one of its uploads goes, told by the gateway that takes it. */
  | ({ readonly kind: 'NoteUpload'; readonly v: 1 } & UploadProgress)
  /** From the tool `schedule`, whose call it settles. */
  | {
      readonly kind: 'Schedule'
      readonly v: 1
      readonly callId: string
      readonly when: When
      readonly message: string
      readonly name?: string
    }
  | { readonly kind: 'ListTimers'; readonly v: 1; readonly callId: string }
  /** `timer`: its id or name. `callId`: of the call that this settles. */
  | {
      readonly kind: 'CancelTimer'
      readonly v: 1
      readonly timer: string
      readonly callId?: string
      readonly by: string
    }
  /** A timer is due. Of another time than the one it waits for it means nothing. */
  | { readonly kind: 'Tick'; readonly v: 1; readonly timerId: string; readonly due: number }
  | { readonly kind: 'ToolReturned'; readonly v: 1; readonly callId: string; readonly outcome: ToolOutcome }

/** Once, at that time (epoch milliseconds), or by a cron pattern of five fields in the wall clock of a time zone. */
export type When = { readonly at: number } | { readonly cron: string; readonly timeZone: string }

export interface Timer {
  /** Unique within its session. */
  readonly timerId: string
  readonly name?: string
  readonly when: When
  /** What the session is told: a turn of its own. */
  readonly message: string
  /** The next time, epoch milliseconds. */
  readonly due: number
}

export interface Callback {
  readonly url: string
  /** The name under which whoever is told asked for it. */
  readonly taskId: string
}

/** Of a call that a message asked for: what its sender knows it by, told again with its outcome. */
export interface Asked {
  readonly requestId: string
  readonly metadata: Readonly<Record<string, unknown>>
  /** W3C traceparent. */
  readonly trace?: string
}

export interface Delegated {
  /** The call of the tool `delegate` that waits for the end of `turnId`. */
  readonly callId: string
  readonly turnId: string
  /** The session whose call it is. */
  readonly parent: string
  /** 1 for the child of a session of a person. */
  readonly depth: number
  /** What the session may use in all its turns, of its parent's budget; left out: no limit but its own. */
  readonly tokens?: number
}

export const uploadPhases = ['uploading', 'clean', 'quarantined', 'failed'] as const

export interface UploadProgress {
  readonly attachmentId: string
  readonly filename: string
  readonly phase: (typeof uploadPhases)[number]
  /** Once it is stored: by its content. */
  readonly mime?: string
  /** Bytes. */
  readonly size?: number
  /** Why it is quarantined, or the code of what failed. */
  readonly detail?: string
}

export const quickActions = ['summarize', 'next_steps', 'status_report'] as const
export type QuickAction = (typeof quickActions)[number]

export interface ClientTool {
  readonly name: string
  readonly description: string
  readonly parameters: Readonly<Record<string, unknown>>
}

export type HistoryMessage =
  | {
      readonly role: 'system' | 'user'
      readonly content: string
      /** Of a user message: paths of attachments of this session. */
      readonly attachments?: readonly string[]
    }
  | {
      readonly role: 'assistant'
      readonly content: string
      readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
    }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string }

export type InjectedMessage =
  | { readonly role: 'user' | 'system'; readonly content: string }
  | { readonly role: 'tool'; readonly callId: string; readonly content: string }
  /** An operator steers the session, so that the journal says who did it and why. */
  | { readonly role: 'control'; readonly command: ControlCommand }

export type ControlCommand =
  | { readonly name: 'stop'; readonly turnId?: string; readonly alsoQueued?: boolean }
  | { readonly name: 'pause' | 'resume' | 'nudge' | 'reset' }
  | { readonly name: 'persona'; readonly personaId: string }

export type PendingEdit =
  /** `position`: of the message in the session's history. */
  | { readonly what: 'message'; readonly position: number; readonly content: string }
  | { readonly what: 'call'; readonly callId: string; readonly arguments: string }
