import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import { type QuickAction, quickActions, type SessionCommand } from '../../../actors/session/protocol.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { headerMetadata, headerOf } from '../request-headers.ts'
import { accepted, metadata, personaId, sessionName } from '../schemas.ts'

const commandActions = ['nudge', 'pause', 'resume', 'stop'] as const
const actions: readonly string[] = [...quickActions, ...commandActions]

export function messageRoutes(app: App, { door, config }: GatewayContext): void {
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
      const ticket = await door.ticket(request, body.session_id ?? undefined)
      const persona = body.persona_id ?? headerOf(request, 'x-persona-id')
      const meta = { ...body.metadata, ...headerMetadata(request) }
      await door.open(
        request,
        ticket,
        {
          kind: 'AcceptUserTurn',
          v: 1,
          turnId: ticket.envelopeId,
          text: body.message,
          attachments: body.attachments,
          metadata: meta,
          ...(persona === undefined ? {} : { personaId: persona }),
        },
        { metadata: meta, ...(persona === undefined ? {} : { personaId: persona }) },
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
      const ticket = await door.ticket(request, body.session_id ?? undefined)
      const command = actionCommand(body.action, ticket.envelopeId, { ...body.metadata, ...headerMetadata(request) })
      if (command.kind === 'Act') {
        const persona = body.persona_id ?? headerOf(request, 'x-persona-id')
        await door.open(request, ticket, command, persona === undefined ? {} : { personaId: persona })
      } else {
        await door.send(request, ticket, command)
      }
      return { session_id: ticket.sessionId, event_id: ticket.envelopeId }
    },
  )
}

function actionCommand(action: string, turnId: string, meta: Record<string, unknown>): SessionCommand {
  if ((quickActions as readonly string[]).includes(action)) {
    return { kind: 'Act', v: 1, turnId, action: action as QuickAction, metadata: meta }
  }
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
