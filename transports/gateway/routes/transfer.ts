import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { HistoryMessage } from '../../../actors/session/protocol.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { parseJson } from '../json-body.ts'
import { historyMessage, sessionName } from '../schemas.ts'
import { sessionIdOf, uuidOf } from '../session-id.ts'

const MAX_CHATS = 100

/** What export writes and import reads. Unknown fields are let through, for what later versions add. */
const chat = z.looseObject({
  version: z.literal(1).default(1),
  title: z.string().max(500).nullish(),
  persona_id: z.string().max(63).nullish(),
  history: z.array(historyMessage).max(100_000),
})

export function transferRoutes(app: App, { door, reader, config }: GatewayContext): void {
  app.post(
    '/v1/sessions/import',
    {
      schema: {
        tags: ['sessions'],
        summary: 'Start sessions from exported conversations',
        body: z.object({
          chats: z
            .array(z.union([z.string(), z.looseObject({})]))
            .min(1)
            .max(MAX_CHATS),
        }),
        response: { 200: z.object({ ctxids: z.array(z.string()) }) },
      },
    },
    async (request) => {
      // All are read before the first is sent: a list with one bad chat changes nothing.
      const chats = request.body.chats.map((given, index) => readChat(given, index, config.limits.jsonDepth))
      for (const { persona_id } of chats) door.checkPersona(persona_id)
      const ticket = await door.ticket(request)
      const ctxids: string[] = []
      for (const [index, { title, persona_id, history }] of chats.entries()) {
        const sessionId = uuidOf('import', ticket.envelopeId, String(index))
        await door.open(
          request,
          { ...ticket, sessionId, envelopeId: uuidOf('import-of', sessionId), fresh: ticket.fresh },
          {
            kind: 'Import',
            v: 1,
            history: history as HistoryMessage[],
            ...(title == null ? {} : { title }),
          },
          persona_id == null ? {} : { personaId: persona_id },
        )
        ctxids.push(sessionId)
      }
      return { ctxids }
    },
  )

  app.post(
    '/v1/sessions/export',
    {
      schema: {
        tags: ['sessions'],
        summary: 'The conversation as JSON that import reads',
        body: z.object({ session_id: sessionName }),
        response: { 200: z.object({ ctxid: z.string(), content: z.string() }) },
      },
    },
    async (request) => {
      const id = sessionIdOf(request.caller.tenant, request.body.session_id)
      const record = await door.record(request.caller, id)
      const view = await reader.view(id)
      const history = view.history.map(({ at: _at, turnId: _turnId, ...message }) => message)
      const content = { version: 1, title: record.title ?? null, persona_id: view.personaId, history }
      return { ctxid: id, content: JSON.stringify(content) }
    },
  )
}

function readChat(given: unknown, index: number, maxDepth: number): z.infer<typeof chat> {
  const parsed = chat.safeParse(typeof given === 'string' ? parseJson(given, maxDepth) : given)
  if (parsed.success) return parsed.data
  throw new Failure('INVALID_REQUEST', `chats/${index} is not a conversation that export wrote.`, {
    errors: parsed.error.issues.map((issue) => ({
      path: `body/chats/${index}/${issue.path.join('/')}`,
      message: issue.message,
    })),
  })
}
