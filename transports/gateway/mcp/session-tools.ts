import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { SessionRecord } from '../../../persistence/journal.ts'
import { iso } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'
import { answer, asRequest, type McpCall } from './tool-answer.ts'

/** Of one message as it is shown; the whole of it is in the session. */
const MESSAGE_CHARS = 8_000

export async function listSessions(
  { context, request }: McpCall,
  asked: { readonly limit: number; readonly search?: string | undefined },
): Promise<CallToolResult> {
  const { tenant } = request.caller
  const { limit, search } = asked
  const { records } = await context.records.list({ tenant, limit, ...(search !== undefined && { search }) })
  const sessions = records.map(summaryOf)
  const lines = sessions.map((one) => `${one.session_id}  ${one.state}  ${one.updated_at}  ${one.title ?? ''}`.trim())
  return answer(lines.length === 0 ? 'There are no sessions.' : lines.join('\n'), { sessions })
}

export async function readSession(
  call: McpCall,
  asked: { readonly session_id: string; readonly last: number },
): Promise<CallToolResult> {
  const read = await conversation(call, asked.session_id, asked.last)
  return answer(read.text, read.data)
}

/** The newest messages of a session of the caller's tenant; SESSION_NOT_FOUND for any other. */
export async function conversation({ context, request }: McpCall, name: string, last: number) {
  const id = sessionIdOf(request.caller.tenant, name)
  const record = await context.door.record(request.caller, id)
  const view = await context.reader.view(id)
  const messages = view.history.slice(-last).map(({ role, content, at }) => ({
    role,
    content: content.length > MESSAGE_CHARS ? `${content.slice(0, MESSAGE_CHARS)}… [cut]` : content,
    at: iso(at),
  }))
  const running = view.runningTurnId
  const earlier = view.history.length - messages.length
  const text = [
    `Session ${id}${record.title ? ` "${record.title}"` : ''}, persona ${view.personaId}.`,
    running === undefined ? 'No turn runs.' : `The turn ${running} runs.`,
    ...(earlier > 0 ? [`(${earlier} earlier messages)`] : []),
    ...messages.map(({ role, content }) => `${role}: ${content}`),
  ].join('\n')
  const data = { ...summaryOf(record), running_turn_id: running ?? null, earlier, messages }
  return { text, data }
}

export async function stopTurn(
  call: McpCall,
  asked: { readonly session_id: string; readonly turn_id?: string | undefined },
): Promise<CallToolResult> {
  const { session_id, turn_id } = asked
  const request = asRequest(call, 'stop_turn', asked, undefined)
  const { door } = call.context
  const ticket = await door.ticket(request, session_id)
  const which = turn_id === undefined ? {} : { turnId: turn_id }
  await door.send(request, ticket, { kind: 'Stop', v: 1, reason: 'asked for by an MCP client', ...which })
  return answer('The turn is being stopped; text shown so far is kept.', { session_id: ticket.sessionId })
}

export function summaryOf(record: SessionRecord) {
  return {
    session_id: record.sessionId,
    title: record.title ?? null,
    persona_id: record.personaId,
    state: record.state,
    updated_at: iso(record.updatedAt),
  }
}
