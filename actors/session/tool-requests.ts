import type { ToolOutcome } from '../tool/protocol.ts'
import type { Draft } from './draft.ts'
import type { SessionCommand } from './protocol.ts'

/** Calls outside any turn: asked for by a client, or by the session itself to tell somebody of their outcome. */

/** The tool that tells (catalogue/callback.ts). */
export const CALLBACK = 'delegation_callback'
/** Its call's id, behind that of the call it tells of. */
export const CALLBACK_SUFFIX = '/callback'

type RequestTool = Extract<SessionCommand, { kind: 'RequestTool' }>

export function requestTool(draft: Draft, { requestId, tool, args, metadata, callback, approval }: RequestTool): void {
  // The session's id comes first, so that no request of one session can name a call of another.
  const callId = `${draft.sessionId}/${requestId}`
  draft.record({
    kind: 'ToolCallStarted',
    callId,
    tool,
    args,
    ...(callback && { callback }),
    ...(approval && { approval }),
  })
  draft.invoke(callId, tool, args, requestId, metadata, approval)
}

/** The telling is a call like any other: allowed by policy, journaled, tried again, its own outcome in the journal. */
export function requestReturned(draft: Draft, callId: string, tool: string, outcome: ToolOutcome): void {
  const callback = draft.state.callbacks?.[callId]
  draft.record({ kind: 'ToolCallFinished', callId, tool, outcome })
  if (!callback) return
  const { status, output: result, code } = outcome
  const args = { url: callback.url, task_id: callback.taskId, status, result, ...(code !== undefined && { code }) }
  const tellId = `${callId}${CALLBACK_SUFFIX}`
  draft.record({ kind: 'ToolCallStarted', callId: tellId, tool: CALLBACK, args })
  draft.invoke(tellId, CALLBACK, args, callback.taskId, {})
}
