import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import {
  delegationTask,
  taskCall,
  taskCommand,
  taskEnvelopeId,
  taskSession,
  taskSettlement,
} from '../../delegation-task.ts'
import type { Announcement } from '../../outbound.ts'
import type { Caller } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { fingerprintOf } from '../idempotency-key.ts'
import { iso, timestamp } from '../schemas.ts'

const taskId = z.string().min(1).max(200)
const params = z.object({ id: taskId })
const state = z.object({
  task_id: z.string(),
  status: z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
  code: z.string().nullable(),
  result: z.string().nullable(),
  /** The session that does it: read its events to see how it goes. */
  session_id: z.string().nullable(),
  callback: z.enum(['none', 'pending', 'told', 'failed']),
  created_at: timestamp,
  finished_at: timestamp.nullable(),
})

/** Two events for the call and two for its callback: a task's own journal is short. */
const ALL_EVENTS = 100

/** Tasks from outside (transports/delegation-task.ts): the routes of the old stack's delegation service. */
export function delegationRoutes(
  app: App,
  { door, reader, records, mailbox, idempotency, ids, clock, tools, urlRefusal }: GatewayContext,
): void {
  async function sessionOf({ tenant }: Caller, id: string): Promise<string> {
    const sessionId = taskSession(tenant, id)
    const record = await records.get(sessionId)
    if (record?.tenant !== tenant) throw new Failure('DELEGATION_NOT_FOUND', `There is no task \`${id}\`.`)
    return sessionId
  }

  /** A task id is a key: the same task again is the same one, and another under it would be done by nobody. */
  async function refuseAnother({ tenant }: Caller, id: string, fingerprint: string): Promise<void> {
    const key = `delegation-task/${id}`
    const first = await idempotency.remember({ tenant, key, fingerprint, answer: { task_id: id }, at: clock.now() })
    if (first.fingerprint === fingerprint) return
    throw new Failure('IDEMPOTENCY_CONFLICT', `The task_id \`${id}\` was used for another task.`)
  }

  app.post(
    '/v1/delegation/task',
    {
      schema: {
        tags: ['delegation'],
        summary: 'Hand in a task for an agent; it is told to callback_url when it is done',
        body: delegationTask(urlRefusal).overHttp,
        response: { 200: z.object({ task_id: z.string(), status: z.literal('queued') }) },
      },
    },
    async (request) => {
      if (!tools.get('delegate')) throw new Failure('TOOL_NOT_FOUND', '`delegate` is not here.')
      const { body, caller } = request
      const asked = await door.ticket(request)
      const id = body.task_id ?? (asked.fresh ? ids.uuid() : asked.envelopeId)
      await refuseAnother(caller, id, fingerprintOf(request))
      const sessionId = taskSession(caller.tenant, id)
      const ticket = { ...asked, sessionId, envelopeId: taskEnvelopeId(sessionId), fresh: false }
      const command = taskCommand(id, body)
      await door.open(request, ticket, command, { metadata: command.born ?? {} })
      return { task_id: id, status: 'queued' as const }
    },
  )

  app.get(
    '/v1/delegation/task/:id',
    { schema: { tags: ['delegation'], summary: 'How a task stands', params, response: { 200: state } } },
    async ({ caller, params: { id } }) => {
      const sessionId = await sessionOf(caller, id)
      const events = await reader.events(sessionId, 0, ALL_EVENTS)
      const created = await records.get(sessionId)
      return { task_id: id, ...stateOf(sessionId, events), created_at: iso(created?.createdAt ?? clock.now()) }
    },
  )

  app.post(
    '/v1/delegation/task/:id/callback',
    {
      schema: {
        tags: ['delegation'],
        summary: 'Say that the task was done elsewhere; the first outcome counts',
        params,
        body: z.object({ status: z.string().min(1).max(100), result: z.unknown() }),
        response: { 200: z.object({ task_id: z.string(), status: z.string() }) },
      },
    },
    async ({ caller, params: { id }, body }) => {
      const sessionId = await sessionOf(caller, id)
      await mailbox.send(taskSettlement(sessionId, caller.tenant, body, clock.now()))
      return { task_id: id, status: body.status }
    },
  )
}

function stateOf(sessionId: string, events: readonly Announcement[]) {
  const call = taskCall(sessionId)
  const of = (type: string, callId: string) =>
    events.find(({ event }) => event.type === type && event.metadata.call_id === callId)
  const begun = of('tool.start', call)
  const ended = of('tool.result', call)
  const tells = of('tool.start', `${call}/callback`)
  const told = of('tool.result', `${call}/callback`)
  const wanted = begun?.event.metadata.callback === true
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  const { status, code } = ended?.event.metadata ?? {}
  const end = status === 'success' ? 'completed' : status === 'cancelled' ? 'cancelled' : 'failed'
  return {
    status: ended ? (end as 'completed' | 'cancelled' | 'failed') : begun ? ('running' as const) : ('queued' as const),
    code: text(code),
    result: ended ? ended.event.message : null,
    session_id: text(begun?.event.metadata.child_session_id),
    callback: told
      ? told.event.metadata.status === 'success'
        ? ('told' as const)
        : ('failed' as const)
      : wanted || tells
        ? ('pending' as const)
        : ('none' as const),
    finished_at: ended ? iso(ended.at) : null,
  }
}
