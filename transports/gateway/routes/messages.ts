import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import { type QuickAction, quickActions, type SessionCommand } from '../../../actors/session/protocol.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { headerMetadata, headerOf } from '../request-headers.ts'
import { accepted, metadata, personaId, sessionName } from '../schemas.ts'
import type { Ticket } from '../session-door.ts'
import { checkedAttachments } from '../uploads/named-attachments.ts'

const commandActions = ['nudge', 'pause', 'resume', 'stop'] as const
const actions: readonly string[] = [...quickActions, ...commandActions]

export function messageRoutes(app: App, { door, config, attachments: files }: GatewayContext): void {
  const { messageChars, attachments } = config.limits

  app.post(
    '/v1/session/message',
    {
      schema: {
        tags: ['messages'],
        summary: 'Send a message; the answer comes over the session’s stream',
        body: z.object({
          session_id: sessionName.nullish(),
          persona_id: personaId.nullish(),
          message: z.string().min(1).max(messageChars),
          attachments: z.array(z.string().max(1_000)).max(attachments).default([]),
          metadata: metadata.default({}),
        }),
        response: { 200: accepted },
      },
    },
    async (request) => {
      const { body } = request
      const persona = body.persona_id ?? headerOf(request, 'x-persona-id')
      door.checkPersona(persona)
      const seating = persona === undefined ? {} : { personaId: persona }
      const ticket = await door.ticket(request, body.session_id ?? undefined, seating)
      const meta = { ...body.metadata, ...headerMetadata(request) }
      const at = { tenant: request.caller.tenant, sessionId: ticket.sessionId }
      const named = await checkedAttachments(files, at, body.attachments).catch((error: unknown) => {
        ticket.release?.()
        throw error
      })
      await door.open(
        request,
        ticket,
        {
          kind: 'AcceptUserTurn',
          v: 1,
          turnId: ticket.envelopeId,
          text: body.message,
          attachments: named,
          metadata: meta,
          ...seating,
        },
        { metadata: meta, ...seating },
      )
      return { session_id: ticket.sessionId, event_id: ticket.envelopeId }
    },
  )

  app.post(
    '/v1/session/action',
    {
      schema: {
        tags: ['messages'],
        summary: `Do one of ${actions.join(', ')}`,
        body: z.object({
          session_id: sessionName.nullish(),
          persona_id: personaId.nullish(),
          action: z.string().max(100),
          metadata: metadata.default({}),
        }),
        response: { 200: accepted },
      },
    },
    async (request) => {
      const { body } = request
      const persona = body.persona_id ?? headerOf(request, 'x-persona-id')
      door.checkPersona(persona)
      const session = body.session_id ?? undefined
      let ticket: Ticket
      if (isQuickAction(body.action)) {
        ticket = await door.ticket(request, session, {})
        const meta = { ...body.metadata, ...headerMetadata(request) }
        await door.open(
          request,
          ticket,
          { kind: 'Act', v: 1, turnId: ticket.envelopeId, action: body.action, metadata: meta },
          persona === undefined ? {} : { personaId: persona },
        )
      } else {
        const command = actionCommand(body.action)
        ticket = await door.ticket(request, session)
        await door.send(request, ticket, command)
      }
      return { session_id: ticket.sessionId, event_id: ticket.envelopeId }
    },
  )
}

function isQuickAction(action: string): action is QuickAction {
  return (quickActions as readonly string[]).includes(action)
}

function actionCommand(action: string): SessionCommand {
  switch (action as (typeof commandActions)[number]) {
    case 'nudge':
      return { kind: 'Nudge', v: 1 }
    case 'pause':
      return { kind: 'Pause', v: 1, reason: 'asked for by the user' }
    case 'resume':
      return { kind: 'Resume', v: 1 }
    case 'stop':
      return { kind: 'Stop', v: 1, reason: 'asked for by the user' }
    default:
      throw new Failure('UNKNOWN_ACTION', `\`${action}\` is none of ${actions.join(', ')}.`)
  }
}
