import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { PendingEdit, SessionCommand } from '../../../actors/session/protocol.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { injection, messageOf, why } from '../injection.ts'
import { accepted, historyMessage, iso, sessionParams, timestamp } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'
import type { PendingStep } from '../session-reader.ts'

const pendingAnswer = z.object({
  session_id: z.string(),
  step_mode: z.boolean(),
  paused: z.boolean(),
  pending: z
    .object({
      hold: z.int(),
      since: timestamp,
      turn_id: z.string(),
      before: z.enum(['model', 'call']),
      reason: z.string().nullable(),
      messages: z.array(z.object({ position: z.int(), message: historyMessage })),
      calls: z.array(z.object({ call_id: z.string(), tool: z.string(), arguments: z.string() })),
    })
    .nullable(),
})

/** For operators who debug one session (scope admin): put messages in, and take it step by step. */
export function inspectionRoutes(app: App, context: GatewayContext): void {
  const { door, reader, config } = context
  const hold = z.int().positive().optional()

  async function send(request: FastifyRequest, id: string, command: SessionCommand) {
    const ticket = await door.ticket(request, id)
    await door.send(request, ticket, command)
    return { session_id: ticket.sessionId, event_id: ticket.envelopeId }
  }

  const by = ({ caller }: FastifyRequest) => caller.subject ?? 'operator'

  /** What is held now. `seen`: the hold the operator looked at; when it is over, what they ask for is about nothing. */
  async function heldNow(request: FastifyRequest, name: string, seen: number | undefined): Promise<PendingStep> {
    requireScope(request.caller, 'admin')
    const id = sessionIdOf(request.caller.tenant, name)
    await door.require(request.caller, id)
    const { pending, paused } = await reader.view(id)
    if (!pending) throw new Failure('NOTHING_PENDING', `Session ${id} holds no step.`)
    if (paused) throw new Failure('NOTHING_PENDING', `Session ${id} is paused: let it resume first.`)
    if (seen !== undefined && seen !== pending.hold) {
      throw new Failure('NOTHING_PENDING', `Hold ${seen} is over; hold ${pending.hold} is what waits now.`)
    }
    return pending
  }

  app.post(
    '/v1/sessions/:id/inject',
    {
      schema: {
        tags: ['inspection'],
        summary: 'Put a message or a control message into the session, with who and why (scope admin)',
        params: sessionParams,
        body: injection(config.limits.messageChars),
        response: { 200: accepted },
      },
    },
    (request) => {
      requireScope(request.caller, 'admin')
      const { body } = request
      if (body.role === 'control' && body.command === 'persona') door.checkPersona(body.persona_id)
      return send(request, request.params.id, {
        kind: 'Inject',
        v: 1,
        message: messageOf(body),
        by: by(request),
        why: body.why,
      })
    },
  )

  app.post(
    '/v1/sessions/:id/step-mode',
    {
      schema: {
        tags: ['inspection'],
        summary: 'Hold the session before every model call and every tool call, or no longer (scope admin)',
        params: sessionParams,
        body: z.object({ on: z.boolean(), why }),
        response: { 200: accepted },
      },
    },
    (request) => {
      requireScope(request.caller, 'admin')
      const { on, why } = request.body
      return send(request, request.params.id, { kind: 'SetStepMode', v: 1, on, by: by(request), why })
    },
  )

  app.get(
    '/v1/sessions/:id/pending',
    {
      schema: {
        tags: ['inspection'],
        summary: 'What step mode holds: the messages the model is about to get, or the tool calls (scope admin)',
        params: sessionParams,
        response: { 200: pendingAnswer },
      },
    },
    async ({ caller, params }) => {
      requireScope(caller, 'admin')
      const id = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, id)
      const { stepMode, paused, pending } = await reader.view(id)
      return { session_id: id, step_mode: stepMode, paused, pending: pending ? pendingJson(pending) : null }
    },
  )

  app.put(
    '/v1/sessions/:id/pending',
    {
      schema: {
        tags: ['inspection'],
        summary: 'Edit a pending message, or the arguments of a pending tool call (scope admin)',
        params: sessionParams,
        body: z.union([
          z.strictObject({
            hold,
            position: z.int().min(0),
            content: z.string().min(1).max(config.limits.messageChars),
            why,
          }),
          z.strictObject({
            hold,
            call_id: z.string().min(1).max(200),
            arguments: z.record(z.string(), z.unknown()),
            why,
          }),
        ]),
        response: { 200: accepted },
      },
    },
    async (request) => {
      const { body } = request
      const pending = await heldNow(request, request.params.id, body.hold)
      const edit: PendingEdit =
        'call_id' in body
          ? { what: 'call', callId: body.call_id, arguments: JSON.stringify(body.arguments) }
          : { what: 'message', position: body.position, content: body.content }
      if (!isPending(pending, edit)) {
        throw new Failure('NOTHING_PENDING', `Hold ${pending.hold} has no such message or call.`)
      }
      const command = { kind: 'EditPending', v: 1, hold: pending.hold, edit, by: by(request), why: body.why } as const
      return send(request, request.params.id, command)
    },
  )

  app.post(
    '/v1/sessions/:id/step',
    {
      schema: {
        tags: ['inspection'],
        summary: 'Let the held step happen; the next one is held again (scope admin)',
        params: sessionParams,
        body: z.object({ hold }).nullish(),
        response: { 200: accepted },
      },
    },
    async (request) => {
      const pending = await heldNow(request, request.params.id, request.body?.hold)
      return send(request, request.params.id, { kind: 'Step', v: 1, hold: pending.hold, by: by(request) })
    },
  )
}

function isPending({ messages, calls }: PendingStep, edit: PendingEdit): boolean {
  return edit.what === 'call'
    ? calls.some(({ callId }) => callId === edit.callId)
    : messages.some(({ position }) => position === edit.position)
}

function pendingJson({ hold, since, turnId, before, reason, messages, calls }: PendingStep) {
  return {
    hold,
    since: iso(since),
    turn_id: turnId,
    before,
    reason: reason ?? null,
    messages: messages.map(({ position, message }) => ({
      position,
      message: message as z.infer<typeof historyMessage>,
    })),
    calls: calls.map((call) => ({ call_id: call.callId, tool: call.tool, arguments: call.arguments })),
  }
}
