import { DELEGATE } from './delegation.ts'
import type { SessionEvent } from './events.ts'
import type { PendingEdit } from './protocol.ts'
import type { RecordedMessage, RunningTurn, SessionState, TurnCall } from './state.ts'

/** How the events of step mode fold, and what of a state an operator may look at and change before a step goes on. */

type StepHeld = Extract<SessionEvent, { kind: 'StepHeld' }>

export function held(turn: RunningTurn, event: StepHeld): RunningTurn {
  const { kind: _, turnId: _turnId, ...hold } = event
  return { ...turn, hold, phase: hold.before === 'model' ? 'held' : turn.phase }
}

export function callStarted(
  turn: RunningTurn,
  { callId, tool }: Extract<SessionEvent, { kind: 'ToolCallStarted' }>,
): RunningTurn {
  const calls = turn.calls.map((call) => (call.callId === callId ? ({ ...call, started: true } as const) : call))
  return tool === DELEGATE ? { ...turn, calls, delegations: (turn.delegations ?? 0) + 1 } : { ...turn, calls }
}

/** Calls that wait for an operator: nothing has left for their tools. */
export function unsentCalls(turn: RunningTurn): TurnCall[] {
  return turn.calls.filter((call) => call.by === 'server' && !call.started && !call.outcome)
}

export interface PendingMessage {
  readonly position: number
  readonly message: RecordedMessage
}

/** What the model has not answered yet: the end of the history, behind the last words of its own. */
export function pendingMessages({ history }: SessionState): PendingMessage[] {
  const last = history.findLastIndex((message) => message.role === 'assistant')
  return history.slice(last + 1).map((message, index) => ({ position: last + 1 + index, message }))
}

/** The text that an edit would replace; undefined when what it names is not pending. */
export function editable(state: SessionState, edit: PendingEdit): string | undefined {
  const hold = state.turn?.hold
  if (!state.turn || !hold) return undefined
  if (edit.what === 'call') return unsentCalls(state.turn).find((call) => call.callId === edit.callId)?.arguments
  if (hold.before !== 'model') return undefined
  return pendingMessages(state).find(({ position }) => position === edit.position)?.message.content
}

export function edited(state: SessionState, edit: PendingEdit): SessionState {
  return edit.what === 'message' ? messageEdited(state, edit) : callEdited(state, edit)
}

function messageEdited(state: SessionState, edit: Extract<PendingEdit, { what: 'message' }>): SessionState {
  const history = state.history.map((message, position) =>
    position === edit.position ? { ...message, content: edit.content } : message,
  )
  return { ...state, history }
}

/** The model is shown the call as it was made, not as it asked for it: it must read the result beside its true cause. */
function callEdited(state: SessionState, edit: Extract<PendingEdit, { what: 'call' }>): SessionState {
  const { turn } = state
  const call = turn?.calls.find((one) => one.callId === edit.callId)
  if (!turn || !call) return state
  const asked = state.history.findLastIndex((message) => message.role === 'assistant')
  const history = state.history.map((message, position) => {
    if (position !== asked || message.role !== 'assistant' || !message.toolCalls) return message
    const toolCalls = message.toolCalls.map((one) =>
      one.id === call.modelCallId ? { ...one, arguments: edit.arguments } : one,
    )
    return { ...message, toolCalls }
  })
  const calls = turn.calls.map((one) => (one === call ? { ...one, arguments: edit.arguments } : one))
  return { ...state, history, turn: { ...turn, calls } }
}
