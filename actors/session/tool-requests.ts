import type { ToolOutcome } from '../tool/protocol.ts'
import type { Draft } from './draft.ts'
import type { SessionCommand } from './protocol.ts'

/** Calls outside any turn: asked for by a client, or by the session itself to tell somebody of their outcome. */

/** The tool that tells (catalogue/callback.ts). */
export const CALLBACK = 'delegation_callback'
/** Its call's id, behind that of the call it tells of. */
export const CALLBACK_SUFFIX = '/callback'

type RequestTool = Extract<SessionCommand, { kind: 'RequestTool' }>

export function requestTool(draft: Draft, request: RequestTool): void {
  const { requestId, tool, args, metadata, callback, approval, answered } = request
  // The session's id comes first, so that no request of one session can name a call of another.
  const callId = `${draft.sessionId}/${requestId}`
  const { trace } = draft.meta
  draft.record({
    kind: 'ToolCallStarted',
    callId,
    tool,
    args,
    ...(callback && { callback }),
    ...(approval && { approval }),
    ...(answered && { asked: { requestId, metadata, ...(trace && { trace }) } }),
  })
  draft.invoke(callId, tool, args, requestId, metadata, approval)
}

/** Who asked by a message reads no stream, and would wait for an answer for ever: the session that had it ends. */
export function endAskedCalls(draft: Draft, reason: string): void {
  for (const callId of Object.keys(draft.state.asked ?? {})) {
    const tool = draft.state.toolRequests[callId] ?? ''
    requestReturned(draft, callId, tool, draft.cancelCall(callId, reason))
  }
}

/** The telling is a call like any other: allowed by policy, journaled, tried again, its own outcome in the journal. */
export function requestReturned(draft: Draft, callId: string, tool: string, outcome: ToolOutcome): void {
  const callback = draft.state.callbacks?.[callId]
  const asked = draft.state.asked?.[callId]
  draft.record({ kind: 'ToolCallFinished', callId, tool, outcome, ...(asked && { asked }) })
  if (!callback) return
  const { status, output: result, code } = outcome
  const args = { url: callback.url, task_id: callback.taskId, status, result, ...(code !== undefined && { code }) }
  const tellId = `${callId}${CALLBACK_SUFFIX}`
  draft.record({ kind: 'ToolCallStarted', callId: tellId, tool: CALLBACK, args })
  draft.invoke(tellId, CALLBACK, args, callback.taskId, {})
}
