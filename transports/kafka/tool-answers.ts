import { address, shardOf } from '../../actors/kernel/address.ts'
import { uuidOf } from '../../actors/kernel/name-uuid.ts'
import type { Announcement } from '../outbound.ts'
import type { LogRecord } from './fetch-client.ts'
import type { WrittenRecord } from './log-writer.ts'

/**
 * What an outsider that asked on `tool.requests` reads on `tool.results`: the old stack's `tool_result`, as JSON, keyed by
 * session. It is made of the journaled event alone, so whoever publishes it, and how often, its `event_id` is the same.
 * Calls that nobody asked for there have none: they would double what a turn writes.
 */
const ANSWER = 'soma-answer'

interface Asked {
  readonly event_id: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly traceparent?: string
}

export function toolAnswerOf({ sessionId, event }: Announcement, topic: string): WrittenRecord | undefined {
  if (event.type !== 'tool.result' || event.metadata.asked === undefined) return undefined
  const { asked, call_id, tool_name, execution_time, status, code, truncated, retry_after } = event.metadata
  const { event_id, metadata, traceparent } = asked as Asked
  const answer = {
    event_id: uuidOf('tool-answer', String(call_id)),
    session_id: sessionId,
    persona_id: event.persona_id,
    tool_name,
    status: statusOf(status),
    // The old tools answered with an object, and its executor with a `message` when there was nothing to answer with.
    payload:
      status === 'success'
        ? { output: event.message, truncated }
        : { message: event.message, code, retry_after, outcome: status },
    metadata: { ...metadata, call_id, request_event_id: event_id },
    execution_time,
    ...(traceparent !== undefined && { trace_context: { traceparent } }),
  }
  return {
    topic,
    partition: shardOf(address('session', sessionId)),
    key: sessionId,
    value: Buffer.from(JSON.stringify(answer)),
    headers: { 'content-type': 'application/json', [ANSWER]: '1' },
  }
}

/** Ours, to somebody else: the session itself has the outcome already, and is not told again. */
export function isToolAnswer({ headers }: LogRecord): boolean {
  return headers[ANSWER] !== undefined
}

/** The old stack knows no others; which it was stands in the payload. */
function statusOf(status: unknown): unknown {
  return status === 'unknown' || status === 'cancelled' ? 'error' : status
}
