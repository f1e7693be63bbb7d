import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { knownCursor } from '../cursor.ts'
import type { PreviewStyle } from '../frames.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { sessionParams } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'
import { streamOverSse } from '../stream-sse.ts'
import { streamOverWebSocket } from '../stream-websocket.ts'

const querystring = z.object({
  after: z.string().max(100).optional(),
  previews: z.enum(['cumulative', 'delta', 'none']).default('cumulative'),
  access_token: z.string().optional(),
})

interface StreamRequest {
  readonly sessionId: string
  readonly after: number
  readonly previews: PreviewStyle
}

export function streamRoutes(app: App, context: GatewayContext): void {
  const { door, reader, streams } = context
  const wanted = new WeakMap<FastifyRequest, StreamRequest>()

  /** All that can be refused is refused here, while a refusal can still be an HTTP answer. */
  async function admit(request: FastifyRequest): Promise<void> {
    const { id } = request.params as z.infer<typeof sessionParams>
    const { after, previews } = request.query as z.infer<typeof querystring>
    const sessionId = sessionIdOf(request.caller.tenant, id)
    await door.require(request.caller, sessionId)
    const lastEventId = request.headers['last-event-id']
    // Last-Event-ID wins: a browser that reconnects sends it beside the URL it first opened.
    const cursor = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : after
    wanted.set(request, { sessionId, after: await knownCursor(reader, sessionId, cursor), previews })
    streams.checkRoom(request.caller.tenant)
  }

  const schema = { tags: ['streams'], params: sessionParams, querystring }

  app.get(
    '/v1/session/:id/events',
    {
      schema: { ...schema, summary: 'Events over SSE; resumes by Last-Event-ID or ?after' },
      config: { tokenInQuery: true },
      exposeHeadRoute: false,
      preHandler: admit,
    },
    (request, reply) => {
      streamOverSse(context, request.caller, wanted.get(request) as StreamRequest, reply)
    },
  )

  app.get(
    '/v1/session/:id/stream',
    {
      schema: { ...schema, summary: 'Events over WebSocket; resumes by ?after, takes messages and stop' },
      config: { tokenInQuery: true },
      websocket: true,
      preHandler: admit,
    },
    (socket, request) => streamOverWebSocket(context, request, wanted.get(request) as StreamRequest, socket),
  )
}
