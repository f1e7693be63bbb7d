import type { FastifyRequest } from 'fastify'
import { Failure } from '../../../actors/kernel/failure.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { headerOf } from '../request-headers.ts'
import { OpenCalls } from './open-calls.ts'
import type { OurTools } from './our-tools.ts'

const SESSION_HEADER = 'mcp-session-id'

interface Message {
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly requestId?: string | number }
}

/**
 * Our MCP server, by streamable HTTP without sessions: each POST stands alone, so any gateway answers it, before and after
 * any crash. Who may call, from where and with what is settled before, as for every route. The SDK is loaded by the first
 * request (0.3 s). GET and DELETE are of servers that keep sessions: 405. The Mcp-Session-Id that a client is given is only
 * a name, by which it can cancel what it waits for (OpenCalls); none is asked for, and any is taken.
 */
export function mcpRoutes(app: App, context: GatewayContext): void {
  const calls = new OpenCalls()
  let tools: OurTools | undefined
  app.post(
    '/mcp',
    {
      config: { errors: 'json-rpc' },
      schema: { tags: ['mcp'], summary: 'Model Context Protocol, streamable HTTP: docs/MCP.md' },
    },
    async (request, reply) => {
      context.streams.checkRoom(request.caller.tenant)
      const [{ connect, mcpServer }, { ourTools }, { badBody }, { StreamableHTTPServerTransport }] = await Promise.all([
        import('./mcp-server.ts'),
        import('./our-tools.ts'),
        import('./message-check.ts'),
        import('@modelcontextprotocol/sdk/server/streamableHttp.js'),
      ])
      if (request.body === undefined) throw new Failure('MALFORMED_JSON', 'it is empty.')
      const bad = badBody(request.body)
      if (bad) {
        const { code, message } = bad.refusal
        reply.code(400).type('application/json').serializer(JSON.stringify)
        return reply.send({ jsonrpc: '2.0', id: bad.id, error: { code, message } })
      }
      tools ??= ourTools(context)
      const transport = new StreamableHTTPServerTransport({ keepAliveMs: context.limits.heartbeatMs })
      const server = mcpServer({ context, request }, tools)
      const forget = known(calls, request, () => void server.close())
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value as string)
      if ((request.body as Message).method === 'initialize') reply.raw.setHeader(SESSION_HEADER, context.ids.uuid())
      // A client that is gone waits for nothing: this aborts what its calls still wait for.
      reply.raw.once('close', () => {
        forget()
        void server.close()
      })
      await connect(server, transport as Parameters<typeof connect>[1])
      await transport.handleRequest(request.raw, reply.raw, request.body)
      return reply
    },
  )
  adminRoute(app, context)
}

/** A request that its client can cancel from now on; a notification that cancels one has done so. */
function known(calls: OpenCalls, request: FastifyRequest, end: () => void): () => void {
  const session = headerOf(request, SESSION_HEADER)
  if (session === undefined) return () => {}
  const { tenant, subject } = request.caller
  const client = JSON.stringify([tenant, subject, session])
  const { id, method, params } = request.body as Message
  if (method === 'notifications/cancelled' && params?.requestId !== undefined) calls.cancel(client, params.requestId)
  return id !== undefined && method !== undefined ? calls.open(client, id, end) : () => {}
}

function adminRoute(app: App, context: GatewayContext): void {
  app.get(
    '/v1/admin/mcp',
    {
      preHandler: async (request) => requireScope(request.caller, 'admin'),
      schema: { tags: ['admin'], summary: 'The MCP servers of this process: state, tools, restarts' },
    },
    async () => ({
      servers: (context.mcp?.list() ?? []).map(({ leftOut, ...view }) => ({
        ...view,
        peer: view.peer ?? null,
        trouble: view.trouble ?? null,
        left_out: leftOut,
      })),
    }),
  )
}
