import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { accepted, metadata, personaId, sessionParams } from '../schemas.ts'

const REASON = 'asked for by the user'

/** Commands to one session that must be there. */
export function commandRoutes(app: App, { door, config }: GatewayContext): void {
  const text = z.string().min(1).max(config.limits.messageChars)

  async function send(request: FastifyRequest, id: string, command: SessionCommand) {
    const ticket = await door.ticket(request, id, command.kind === 'Intervene' ? { intervenes: true } : undefined)
    await door.send(request, ticket, command)
    return { session_id: ticket.sessionId, event_id: ticket.envelopeId }
  }

  const schemaOf = <Body extends z.ZodType>(summary: string, body: Body) => ({
    tags: ['commands'],
    summary,
    params: sessionParams,
    body,
    response: { 200: accepted },
  })
  const none = z.object({}).nullish()

  app.delete(
    '/v1/sessions/:id',
    {
      schema: { tags: ['commands'], summary: 'Delete it for good', params: sessionParams, response: { 200: accepted } },
    },
    (request) => send(request, request.params.id, { kind: 'Delete', v: 1 }),
  )

  app.post(
    '/v1/sessions/:id/reset',
    { schema: schemaOf('Forget the conversation, keep the session', none) },
    (request) => send(request, request.params.id, { kind: 'Reset', v: 1 }),
  )

  app.post(
    '/v1/sessions/:id/pause',
    { schema: schemaOf('Pause between steps, or go on', z.object({ paused: z.boolean().default(true) })) },
    (request) =>
      send(
        request,
        request.params.id,
        request.body.paused ? { kind: 'Pause', v: 1, reason: REASON } : { kind: 'Resume', v: 1 },
      ),
  )

  app.post(
    '/v1/sessions/:id/stop',
    {
      schema: schemaOf(
        'Stop the running turn at once, keeping its text',
        z.object({ turn_id: z.string().max(200).optional(), also_queued: z.boolean().optional() }).nullish(),
      ),
    },
    (request) => {
      const { turn_id, also_queued } = request.body ?? {}
      return send(request, request.params.id, {
        kind: 'Stop',
        v: 1,
        reason: REASON,
        ...(turn_id === undefined ? {} : { turnId: turn_id }),
        ...(also_queued === undefined ? {} : { alsoQueued: also_queued }),
      })
    },
  )

  app.post('/v1/sessions/:id/nudge', { schema: schemaOf('Start the step in flight again', none) }, (request) =>
    send(request, request.params.id, { kind: 'Nudge', v: 1 }),
  )

  app.post(
    '/v1/sessions/:id/intervene',
    { schema: schemaOf('Interrupt the running turn with more words', z.object({ text })) },
    (request) => send(request, request.params.id, { kind: 'Intervene', v: 1, text: request.body.text }),
  )

  app.post(
    '/v1/sessions/:id/persona',
    { schema: schemaOf('Go on as another persona', z.object({ persona_id: personaId })) },
    (request) => {
      const { persona_id } = request.body
      door.checkPersona(persona_id)
      return send(request, request.params.id, { kind: 'SwitchPersona', v: 1, personaId: persona_id })
    },
  )

  app.post(
    '/v1/sessions/:id/metadata',
    { schema: schemaOf('Merge metadata into the session', z.object({ metadata })) },
    (request) => send(request, request.params.id, { kind: 'UpdateMetadata', v: 1, metadata: request.body.metadata }),
  )
}
