import type { SessionEvent } from './events.ts'
import type { SessionState } from './state.ts'

/** Tool calls outside any turn, as their events fold. */

type ToolCallStarted = Extract<SessionEvent, { kind: 'ToolCallStarted' }>

export function requestStarted(
  state: SessionState,
  { callId, tool, callback, approval, asked }: ToolCallStarted,
): SessionState {
  return {
    ...state,
    toolRequests: { ...state.toolRequests, [callId]: tool },
    ...(callback && { callbacks: { ...state.callbacks, [callId]: callback } }),
    ...(approval && { approvals: { ...state.approvals, [callId]: approval } }),
    ...(asked && { asked: { ...state.asked, [callId]: asked } }),
  }
}

export function requestFinished(state: SessionState, callId: string): SessionState {
  const { [callId]: _, ...toolRequests } = state.toolRequests
  const { [callId]: told, ...callbacks } = state.callbacks ?? {}
  const { [callId]: approved, ...approvals } = state.approvals ?? {}
  const { [callId]: answered, ...asked } = state.asked ?? {}
  return {
    ...state,
    toolRequests,
    ...(told && { callbacks }),
    ...(approved && { approvals }),
    ...(answered && { asked }),
  }
}
