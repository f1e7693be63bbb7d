import { z } from 'zod'
import { address } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import { delegationTask, taskCommand, taskEnvelopeId, taskSession, type UrlRefusal } from '../delegation-task.ts'
import { givenMetadata as metadata } from '../given-metadata.ts'
import { isNestedDeeper } from '../json-depth.ts'
import type { LogRecord } from './fetch-client.ts'
import { delegation, inbound, type Topic, toolRequests, toolResults } from './topics.ts'

/**
 * The JSON that outsiders write to the public topics, in the shapes of the old stack's schemas. Whoever may write to Kafka
 * is trusted to name a session, but not a tenant: that is the session's own.
 */
const text = z.string().max(1_000_000)
const name = z.string().min(1).max(200)
/** The database tells no case in a UUID, and addresses do: two writings of one would be two sessions with one record. */
const session = z.uuid().toLowerCase()
/** Writers in Python name what they leave out: null. */
const personaId = name.nullish()
const trace = z.record(z.string(), z.string()).optional()

const conversationEvent = z.strictObject({
  event_id: name,
  session_id: session,
  role: z.enum(['user', 'assistant', 'system']),
  message: text,
  metadata,
  persona_id: personaId,
  attachments: z.array(z.string().max(2_000)).max(100).optional(),
  type: z.string().optional(),
  version: z.string().optional(),
  trace_context: trace,
})

/** Journaled twice and told again with the result. */
const MAX_ECHOED = 64_000
const isEchoed = (it: unknown) => JSON.stringify(it).length <= MAX_ECHOED

/** Becomes part of the invocation's address, which has a length, and no NUL. */
const requestId = name.max(100).regex(/^[^\0\p{Cs}]*$/u)

const toolRequest = z.strictObject({
  event_id: requestId,
  session_id: session,
  tool_name: name,
  args: z.unknown(),
  metadata: metadata.refine(isEchoed, `is told again with the result: at most ${MAX_ECHOED} characters of JSON`),
  persona_id: personaId,
  trace_context: trace,
})

const toolResult = z.strictObject({
  event_id: name,
  session_id: session,
  tool_name: name,
  status: z.enum(['success', 'error', 'timeout', 'blocked', 'circuit_open']),
  payload: z.record(z.string(), z.unknown()),
  metadata,
  execution_time: z.number().nonnegative(),
  persona_id: personaId,
  trace_context: trace,
})

/** As deep as a body over HTTP may be. */
const MAX_DEPTH = 64

export interface PublicMessageParts {
  /** Whoever may write to Kafka speaks for it. */
  readonly tenant: string
  readonly urlRefusal: UrlRefusal
}

/** The envelope that a public message stands for. Throws MALFORMED_MESSAGE that names what is wrong. */
export function fromPublic(
  topic: Topic,
  record: LogRecord,
  { tenant, urlRefusal }: PublicMessageParts,
): Envelope<SessionCommand> {
  const json = parsed(record)
  const envelope = (
    id: string,
    sessionId: string,
    traced: Record<string, string> | undefined,
    body: SessionCommand,
  ) => ({
    id,
    to: address('session', sessionId),
    from: `kafka:${topic.name}`,
    tenant,
    priority: 'normal' as const,
    trace: traced ?? {},
    sentAt: record.timestamp,
    body,
  })
  switch (topic) {
    case inbound: {
      const event = checked(conversationEvent, json)
      return envelope(event.event_id, event.session_id, event.trace_context, spoken(event))
    }
    case toolRequests: {
      const request = checked(toolRequest, json)
      const { event_id, tool_name, args } = request
      return envelope(event_id, request.session_id, request.trace_context, {
        kind: 'RequestTool',
        v: 1,
        requestId: event_id,
        tool: tool_name,
        args,
        metadata: request.metadata,
        answered: true,
      })
    }
    case toolResults: {
      const result = checked(toolResult, json)
      return envelope(result.event_id, result.session_id, result.trace_context, returned(result, record.timestamp))
    }
    case delegation: {
      const task = checked(delegationTask(urlRefusal).onTopic, json)
      const sessionId = taskSession(tenant, task.task_id)
      return envelope(taskEnvelopeId(sessionId), sessionId, task.trace_context, taskCommand(task.task_id, task))
    }
    default:
      throw new Failure('MALFORMED_MESSAGE', `${topic.name} takes envelopes only`)
  }
}

function spoken(event: z.output<typeof conversationEvent>): SessionCommand {
  switch (event.role) {
    case 'user':
      return {
        kind: 'AcceptUserTurn',
        v: 1,
        turnId: event.event_id,
        text: event.message,
        attachments: event.attachments ?? [],
        metadata: event.metadata,
        ...(event.persona_id != null && { personaId: event.persona_id }),
      }
    case 'system':
      return {
        kind: 'Inject',
        v: 1,
        message: { role: 'system', content: event.message },
        by: 'kafka',
        why: `written to ${inbound.name}`,
      }
    case 'assistant':
      throw new Failure(
        'MALFORMED_MESSAGE',
        'role: what the assistant says is on conversation.outbound; send user or system',
      )
  }
}

function returned(result: z.output<typeof toolResult>, at: number): SessionCommand {
  const { call_id } = result.metadata
  const { output } = result.payload
  return {
    kind: 'ToolReturned',
    v: 1,
    callId: typeof call_id === 'string' ? call_id : result.event_id,
    outcome: {
      status: result.status,
      output: typeof output === 'string' ? output : JSON.stringify(result.payload),
      startedAt: at - result.execution_time * 1_000,
      finishedAt: at,
      ...(result.status === 'circuit_open' && { code: 'CIRCUIT_OPEN' }),
    },
  }
}

function parsed({ value }: LogRecord): unknown {
  const json = String(value ?? '')
  if (isNestedDeeper(json, MAX_DEPTH)) {
    throw new Failure('MALFORMED_MESSAGE', `the value is nested deeper than ${MAX_DEPTH}`)
  }
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new Failure('MALFORMED_MESSAGE', 'the value is not JSON', { cause: error })
  }
}

function checked<T extends z.ZodType>(schema: T, json: unknown): z.output<T> {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const detail = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'the message'}: ${message}`)
    .join('; ')
  throw new Failure('MALFORMED_MESSAGE', detail)
}
