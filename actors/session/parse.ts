import { z } from 'zod'
import { Failure } from '../kernel/failure.ts'
import { quickActions, type SessionCommand, uploadPhases } from './protocol.ts'

/** Wire bodies become commands here and nowhere else; the gateway has checked them already, Kafka's senders have not. */

const metadata = z.record(z.string(), z.unknown())
const text = z.string().max(1_000_000)
const id = z.string().min(1).max(200)
const v = z.literal(1)

const attachments = z.array(z.string().max(2_000)).max(100)

const historyMessage = z.union([
  z.object({ role: z.enum(['system', 'user']), content: text, attachments: attachments.optional() }),
  z.object({
    role: z.literal('assistant'),
    content: text,
    toolCalls: z.array(z.object({ id, name: id, arguments: text })).optional(),
  }),
  z.object({ role: z.literal('tool'), toolCallId: id, content: text }),
])

const toolOutcome = z.object({
  status: z.enum(['success', 'error', 'timeout', 'blocked', 'unknown', 'cancelled', 'circuit_open']),
  output: text,
  code: z.string().optional(),
  startedAt: z.number().optional(),
  finishedAt: z.number(),
  truncated: z.boolean().optional(),
  retryAfter: z.number().optional(),
  usage: z.lazy(() => usage).optional(),
  decision: z.object({ id: z.string(), allow: z.boolean(), reason: z.string(), policy: z.string() }).optional(),
})

const count = z.number().min(0)
const usage = z.object({ promptTokens: count, completionTokens: count, costMicros: count })

const delegated = z.object({
  callId: id,
  turnId: id,
  parent: z.string().max(200),
  depth: count,
  tokens: count.optional(),
})

const when = z.union([
  z.object({ at: z.number() }),
  z.object({ cron: z.string().max(200), timeZone: z.string().max(100) }),
])

const controlCommand = z.discriminatedUnion('name', [
  z.object({ name: z.literal('stop'), turnId: id.optional(), alsoQueued: z.boolean().optional() }),
  z.object({ name: z.enum(['pause', 'resume', 'nudge', 'reset']) }),
  z.object({ name: z.literal('persona'), personaId: id }),
])

const pendingEdit = z.discriminatedUnion('what', [
  z.object({ what: z.literal('message'), position: z.int().min(0), content: text }),
  z.object({ what: z.literal('call'), callId: id, arguments: text }),
])

const command = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('AcceptUserTurn'),
    v,
    turnId: id,
    text,
    attachments,
    metadata,
    personaId: id.optional(),
    model: id.optional(),
    temperature: z.number().optional(),
    maxTokens: z.int().positive().optional(),
    clientTools: z
      .array(z.object({ name: id, description: z.string(), parameters: metadata }))
      .max(128)
      .optional(),
    history: z.array(historyMessage).max(10_000).optional(),
    toolResults: z
      .array(z.object({ toolCallId: id, content: text }))
      .max(128)
      .optional(),
    instructions: text.optional(),
    delegated: delegated.optional(),
  }),
  z.object({ kind: z.literal('RefuseUserTurn'), v, turnId: id, text, code: id, detail: z.string().max(2_000) }),
  z.object({ kind: z.literal('Act'), v, turnId: id, action: z.enum(quickActions), metadata }),
  z.object({ kind: z.literal('Stop'), v, turnId: id.optional(), reason: text, alsoQueued: z.boolean().optional() }),
  z.object({ kind: z.literal('Pause'), v, reason: text }),
  z.object({ kind: z.literal('Resume'), v }),
  z.object({ kind: z.literal('Nudge'), v }),
  z.object({ kind: z.literal('Intervene'), v, text }),
  z.object({
    kind: z.literal('Inject'),
    v,
    message: z.union([
      z.object({ role: z.enum(['user', 'system']), content: text }),
      z.object({ role: z.literal('tool'), callId: id, content: text }),
      z.object({ role: z.literal('control'), command: controlCommand }),
    ]),
    by: id,
    why: text,
  }),
  z.object({ kind: z.literal('SetStepMode'), v, on: z.boolean(), by: id, why: text }),
  z.object({ kind: z.literal('Step'), v, hold: z.int().positive(), by: id }),
  z.object({ kind: z.literal('EditPending'), v, hold: z.int().positive(), edit: pendingEdit, by: id, why: text }),
  z.object({ kind: z.literal('SwitchPersona'), v, personaId: id }),
  z.object({ kind: z.literal('UpdateMetadata'), v, metadata }),
  z.object({ kind: z.literal('Reset'), v }),
  z.object({ kind: z.literal('Delete'), v }),
  z.object({ kind: z.literal('Import'), v, title: text.optional(), history: z.array(historyMessage).max(10_000) }),
  z.object({
    kind: z.literal('RequestTool'),
    v,
    requestId: id,
    tool: id,
    args: z.unknown(),
    metadata,
    callback: z.object({ url: z.string().max(8_000), taskId: id }).optional(),
    approval: z.object({ callId: id, by: id, why: z.string().max(2_000) }).optional(),
    born: metadata.optional(),
    answered: z.boolean().optional(),
  }),
  z.object({ kind: z.literal('Schedule'), v, callId: id, when, message: text, name: id.optional() }),
  z.object({ kind: z.literal('ListTimers'), v, callId: id }),
  z.object({ kind: z.literal('CancelTimer'), v, timer: id, callId: id.optional(), by: id }),
  z.object({ kind: z.literal('Tick'), v, timerId: id, due: z.number() }),
  z.object({
    kind: z.literal('NoteUpload'),
    v,
    attachmentId: id,
    filename: z.string().max(1_000),
    phase: z.enum(uploadPhases),
    mime: z.string().max(200).optional(),
    size: z.int().min(0).optional(),
    detail: z.string().max(2_000).optional(),
  }),
  z.object({ kind: z.literal('ToolReturned'), v, callId: id, outcome: toolOutcome }),
])

export function parseSessionCommand(body: unknown): SessionCommand {
  const parsed = command.safeParse(body)
  if (parsed.success) return parsed.data as SessionCommand
  throw new Failure('MALFORMED_MESSAGE', z.prettifyError(parsed.error))
}
