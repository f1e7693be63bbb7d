import { assertNever } from '../kernel/behaviour.ts'
import type { Persona } from '../persona.ts'
import type { Approval, ToolOutcome } from '../tool/protocol.ts'
import { type Condensed, condensedAfter } from './condensed-state.ts'
import {
  addUsage,
  type CallReason,
  type HeldStep,
  type Metadata,
  noUsage,
  type RecordedEvent,
  type RequestedCall,
  type SessionEvent,
  type TokenUsage,
  type TurnRequest,
} from './events.ts'
import type { Asked, Callback, Delegated, HistoryMessage, Timer } from './protocol.ts'
import { callStarted, edited, held } from './step-state.ts'
import { timersAfter } from './timer-state.ts'
import { requestFinished, requestStarted } from './tool-request-state.ts'

/** A session as its events fold. Plain data: it is also the snapshot. Raise SESSION_STATE_VERSION when its shape changes. */
export interface SessionState {
  readonly status: 'new' | 'live' | 'deleted'
  readonly tenant: string
  readonly personaId: string
  readonly metadata: Metadata
  readonly title: string | undefined
  /** Tool results the model has not answered yet stand behind the assistant message that asked for them. */
  readonly history: readonly RecordedMessage[]
  readonly queue: readonly TurnRequest[]
  readonly turn: RunningTurn | undefined
  readonly paused: boolean
  readonly stepMode: boolean
  readonly usage: TokenUsage
  /** Tool calls asked for by clients, outside any turn: call id -> tool. */
  readonly toolRequests: Readonly<Record<string, string>>
  /** Who is to be told of the outcome of such a call, by call id. */
  readonly callbacks?: Readonly<Record<string, Callback>>
  /** Of those that a message asked for, by call id. */
  readonly asked?: Readonly<Record<string, Asked>>
  readonly timers?: Readonly<Record<string, Timer>>
  /** What the model is told of the beginning of the history; the history itself stays as it is. */
  readonly condensed?: Condensed
  /** Length of the history when condensing it failed last. */
  readonly condensingFailedAt?: number
  /** Such a call that runs because an operator allows it, by call id. */
  readonly approvals?: Readonly<Record<string, Approval>>
  /** Born to do a turn for another session. */
  readonly delegated?: Delegated
}

export const SESSION_STATE_VERSION = 3

export type RecordedMessage = HistoryMessage & { readonly turnId?: string; readonly attachments?: readonly string[] }

export interface RunningTurn {
  readonly request: TurnRequest
  readonly deadline: number
  readonly limits: Persona['limits']
  /** Model calls begun, counting an attempt again as the same step. */
  readonly step: number
  readonly attempt: number
  readonly reason: CallReason
  /** model: a call is in flight. tools: calls run. held: between steps, waiting for Resume or (`hold`) for Step. */
  readonly phase: 'model' | 'tools' | 'held'
  readonly calls: readonly TurnCall[]
  /** Step mode: what waits for an operator, and since when (epoch milliseconds). */
  readonly hold?: HeldStep & { readonly hold: number; readonly since: number }
  /** The same calls with the same arguments, how many steps in a row. */
  readonly streak: { readonly signature: string; readonly count: number }
  readonly garbled: number
  /** Calls of `delegate` that this turn has begun. */
  readonly delegations?: number
  readonly model: string
  readonly usage: TokenUsage
}

export interface TurnCall extends RequestedCall {
  /** Handed to its tool, or answered without one. */
  readonly started?: true
  readonly outcome?: ToolOutcome
}

export const initialSession: SessionState = {
  status: 'new',
  tenant: '',
  personaId: '',
  metadata: {},
  title: undefined,
  history: [],
  queue: [],
  turn: undefined,
  paused: false,
  stepMode: false,
  usage: noUsage,
  toolRequests: {},
}

/** Total: an event that does not fit the state leaves it as it is rather than throwing, so recovery never fails on it. */
export function evolve(state: SessionState, event: RecordedEvent): SessionState {
  switch (event.kind) {
    case 'SessionStarted':
      return started(state, event)
    case 'HistoryImported':
      return { ...state, title: event.title ?? state.title, history: [...state.history, ...event.messages] }
    case 'UserTurnAccepted': {
      const { kind: _, persona: _persona, ...request } = event
      return { ...state, title: state.title ?? titleOf(event.text), queue: [...state.queue, request] }
    }
    case 'UserTurnRejected':
    case 'UploadNoted':
      return state
    case 'TurnStarted':
      return startTurn(state, event)
    case 'ModelCallStarted':
      return inTurn(state, event.turnId, ({ hold: _, ...turn }) => ({
        ...turn,
        step: event.step,
        attempt: event.attempt,
        reason: event.reason,
        garbled: event.reason === 'garbled' ? turn.garbled + 1 : turn.garbled,
        phase: 'model',
        calls: [],
      }))
    case 'ModelReplied':
      return modelReplied(state, event)
    case 'ToolCallStarted':
      if (event.turnId !== undefined) return inTurn(state, event.turnId, (turn) => callStarted(turn, event))
      return requestStarted(state, event)
    case 'ToolCallFinished':
      return event.turnId === undefined
        ? requestFinished(state, event.callId)
        : callFinished(state, event.callId, event.outcome)
    case 'TurnFinished':
      return turnFinished(state, event)
    case 'Paused':
      return {
        ...state,
        paused: true,
        turn: state.turn?.phase === 'model' ? { ...state.turn, phase: 'held' } : state.turn,
      }
    case 'Resumed':
      return { ...state, paused: false }
    case 'Intervened':
      return said(state, event.partialText, { role: 'user', content: event.text, turnId: event.turnId })
    case 'MessageInjected':
      return event.message.role === 'tool' || event.message.role === 'control'
        ? state
        : said(state, event.partialText, { ...event.message, ...(state.turn && { turnId: state.turn.request.turnId }) })
    case 'StepModeSet':
      return { ...state, stepMode: event.on }
    case 'StepHeld':
      return inTurn(state, event.turnId, (turn) => held(turn, event))
    case 'StepReleased':
      return inTurn(state, event.turnId, ({ hold: _, ...turn }) => ({ ...turn, deadline: event.deadline }))
    case 'PendingEdited':
      return edited(state, event.edit)
    case 'PersonaSwitched':
      return { ...state, personaId: event.personaId }
    case 'MetadataUpdated':
      return { ...state, metadata: event.metadata }
    case 'Scheduled':
    case 'ScheduleFired':
    case 'ScheduleCancelled':
      return timersAfter(state, event)
    case 'TimersAnswered':
      return state
    case 'HistoryCondensed':
    case 'CondensingFailed':
      return condensedAfter(state, event)
    case 'SessionReset':
      return afterReset(state)
    case 'SessionDeleted':
      return { ...initialSession, status: 'deleted', tenant: state.tenant, personaId: state.personaId }
    default:
      return assertNever(event)
  }
}

const TITLE_LENGTH = 80

function titleOf(text: string): string | undefined {
  const line = text.trim().split('\n', 1)[0] ?? ''
  return line === '' ? undefined : line.slice(0, TITLE_LENGTH)
}

function started(state: SessionState, event: Extract<SessionEvent, { kind: 'SessionStarted' }>): SessionState {
  const { tenant, personaId, metadata, delegated } = event
  return { ...state, status: 'live', tenant, personaId, metadata, ...(delegated && { delegated }) }
}

function afterReset({ condensed: _, condensingFailedAt: _at, ...state }: SessionState): SessionState {
  return { ...state, history: [], queue: [], turn: undefined, paused: false, stepMode: false, title: undefined }
}

function inTurn(state: SessionState, turnId: string, change: (turn: RunningTurn) => RunningTurn): SessionState {
  return state.turn?.request.turnId === turnId ? { ...state, turn: change(state.turn) } : state
}

function startTurn(state: SessionState, event: Extract<SessionEvent, { kind: 'TurnStarted' }>): SessionState {
  const request = state.queue.find((queued) => queued.turnId === event.turnId)
  if (!request) return state
  const { turnId } = request
  const results = (request.toolResults ?? []).map((result) => ({ role: 'tool', turnId, ...result }) as const)
  const silent = request.text === '' && request.attachments.length === 0
  const words = silent && results.length > 0 ? [] : [userMessage(request)]
  return {
    ...state,
    queue: state.queue.filter((queued) => queued !== request),
    history: [...state.history, ...results, ...words],
    turn: {
      request,
      deadline: event.deadline,
      limits: event.limits,
      step: 0,
      attempt: 0,
      reason: 'next',
      phase: 'held',
      calls: [],
      streak: { signature: '', count: 0 },
      garbled: 0,
      model: '',
      usage: noUsage,
    },
  }
}

function userMessage({ text, turnId, attachments }: TurnRequest): RecordedMessage {
  return { role: 'user', content: text, turnId, ...(attachments.length > 0 && { attachments }) }
}

function modelReplied(state: SessionState, event: Extract<SessionEvent, { kind: 'ModelReplied' }>): SessionState {
  const { turn } = state
  if (turn?.request.turnId !== event.turnId) return state
  const signature = event.calls.map((call) => `${call.tool} ${call.arguments}`).join('\n')
  const count = signature !== '' && signature === turn.streak.signature ? turn.streak.count + 1 : 1
  // Text without calls enters the history as the turn's final answer (TurnFinished), so that it is there once.
  const message = {
    role: 'assistant',
    content: event.text,
    turnId: event.turnId,
    toolCalls: event.calls.map((call) => ({ id: call.modelCallId, name: call.tool, arguments: call.arguments })),
  } as const
  return {
    ...state,
    usage: addUsage(state.usage, event.usage),
    history: event.calls.length > 0 ? [...state.history, message] : state.history,
    turn: {
      ...turn,
      phase: event.calls.length > 0 ? 'tools' : 'held',
      calls: event.calls,
      streak: { signature, count },
      model: event.model,
      usage: addUsage(turn.usage, event.usage),
    },
  }
}

function callFinished(state: SessionState, callId: string, outcome: ToolOutcome): SessionState {
  const { turn } = state
  const call = turn?.calls.find((one) => one.callId === callId)
  if (!turn || !call || call.outcome) return state
  const { usage = noUsage } = outcome
  return {
    ...state,
    history: [
      ...state.history,
      { role: 'tool', toolCallId: call.modelCallId, content: outcome.output, turnId: turn.request.turnId },
    ],
    usage: addUsage(state.usage, usage),
    turn: {
      ...turn,
      calls: turn.calls.map((one) => (one === call ? { ...one, outcome } : one)),
      usage: addUsage(turn.usage, usage),
    },
  }
}

function turnFinished(state: SessionState, event: Extract<SessionEvent, { kind: 'TurnFinished' }>): SessionState {
  const queue = state.queue.filter((queued) => queued.turnId !== event.turnId)
  if (state.turn?.request.turnId !== event.turnId) return { ...state, queue }
  const keeps = event.text !== '' && event.outcome !== 'client_tools' && event.outcome !== 'failed'
  const answer = { role: 'assistant', content: event.text, turnId: event.turnId } as const
  return { ...state, queue, turn: undefined, history: keeps ? [...state.history, answer] : state.history }
}

/** Text that was shown before an interruption is kept, then come the new words. */
function said(state: SessionState, partialText: string, message: RecordedMessage): SessionState {
  const shown: readonly RecordedMessage[] =
    partialText === ''
      ? []
      : [{ role: 'assistant', content: partialText, ...(state.turn && { turnId: state.turn.request.turnId }) }]
  return { ...state, history: [...state.history, ...shown, message] }
}
