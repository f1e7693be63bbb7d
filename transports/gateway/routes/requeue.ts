import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { address } from '../../../actors/kernel/address.ts'
import type { Envelope } from '../../../actors/kernel/envelope.ts'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import type { RequeuedCall, Resolution } from '../../../persistence/requeued-calls.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { iso } from '../schemas.ts'
import { traceOf } from '../trace.ts'

const params = z.object({ id: z.string().min(1).max(200) })

/**
 * Tool calls that policy denied (scope admin). The session had its answer at once and does not wait: `allow` sends the call again
 * under a new id, with the operator as its policy decision, and its result comes to the session as an injected message
 * (docs/adr/0013-denied-calls-wait-for-an-operator.md). A token of one tenant sees that tenant's; `admin:all` sees all.
 */
export function requeueRoutes(app: App, { requeued, mailbox, clock, log, metrics }: GatewayContext): void {
  const tags = ['admin']
  const preHandler = async (request: FastifyRequest) => requireScope(request.caller, 'admin')

  const within = ({ caller }: FastifyRequest) => (caller.scopes.has('admin:all') ? {} : { tenant: caller.tenant })

  async function callOf(request: FastifyRequest, id: string): Promise<RequeuedCall> {
    const call = id.includes('\0') ? undefined : await requeued.get(id)
    const { tenant } = within(request)
    if (call && (tenant === undefined || call.tenant === tenant)) return call
    throw new Failure('REQUEUED_CALL_NOT_FOUND', `No call ${id} was denied.`)
  }

  app.get(
    '/v1/requeue',
    {
      preHandler,
      schema: {
        tags,
        summary: 'Tool calls that policy denied and no operator has resolved, newest first',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(200).default(50),
          before: params.shape.id.optional(),
        }),
      },
    },
    async (request) => {
      const { limit, before } = request.query
      const calls = await requeued.list({ ...within(request), limit, ...(before !== undefined && { before }) })
      return { calls: calls.map(callJson), next_cursor: calls.length === limit ? (calls.at(-1)?.callId ?? null) : null }
    },
  )

  app.get('/v1/requeue/:id', { preHandler, schema: { tags, summary: 'One denied call', params } }, async (request) =>
    callJson(await callOf(request, request.params.id)),
  )

  app.post(
    '/v1/requeue/:id/resolve',
    {
      preHandler,
      schema: {
        tags,
        summary: 'allow: the call runs after all, and the session hears of it; deny: it stays denied',
        params,
        body: z.object({ action: z.enum(['allow', 'deny']), why: z.string().min(1).max(1_000) }),
      },
    },
    async (request) => {
      const call = await callOf(request, request.params.id)
      const { action, why } = request.body
      const by = request.caller.subject ?? request.caller.tenant
      const stands = await requeued.resolve(call.callId, { action, by, why, at: clock.now() })
      if (stands.action !== action) {
        const detail = `${stands.by} resolved it before: ${stands.action}, "${stands.why}".`
        throw new Failure('REQUEUED_CALL_RESOLVED', detail)
      }
      // Sent again by whoever repeats the request: the envelope is the same, and counts once (I3).
      if (action === 'allow') await mailbox.send(allowed(call, stands, request))
      await requeued.done(call.callId)
      metrics?.requeued?.(call.tool, action)
      log.info({ call: call.callId, tool: call.tool, ...stands }, 'tool.request.resolve')
      return { status: action === 'allow' ? 'sent' : 'closed', id: call.callId, by: stands.by, why: stands.why }
    },
  )

  function allowed(call: RequeuedCall, { by, why }: Resolution, request: FastifyRequest): Envelope<SessionCommand> {
    const { callId, sessionId, tenant, tool, args, metadata } = call
    return {
      id: `requeue:${callId}`,
      to: address('session', sessionId),
      from: 'gateway',
      tenant,
      priority: 'normal',
      trace: traceOf(request),
      sentAt: clock.now(),
      body: {
        kind: 'RequestTool',
        v: 1,
        requestId: `requeue/${callId.slice(sessionId.length + 1)}`,
        tool,
        args,
        metadata,
        approval: { callId, by, why },
      },
    }
  }
}

function callJson({ callId, sessionId, personaId, deniedAt, resolution, ...call }: RequeuedCall) {
  return {
    id: callId,
    session_id: sessionId,
    persona_id: personaId,
    tenant: call.tenant,
    tool_name: call.tool,
    args: call.args,
    metadata: call.metadata,
    decision: call.decision,
    denied_at: iso(deniedAt),
    resolution: resolution ? { ...resolution, at: iso(resolution.at) } : null,
  }
}
