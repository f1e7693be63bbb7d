import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'

/**
 * Our MCP server, by streamable HTTP without sessions: each POST stands alone, so any gateway answers it, before and after
 * any crash. Who may call, from where and with what is settled before, as for every route. The SDK is loaded by the first
 * request (0.3 s). GET and DELETE are of servers that keep sessions: 405.
 */
export function mcpRoutes(app: App, context: GatewayContext): void {
  app.post(
    '/mcp',
    { schema: { tags: ['mcp'], summary: 'Model Context Protocol, streamable HTTP: docs/MCP.md' } },
    async (request, reply) => {
      context.streams.checkRoom(request.caller.tenant)
      const [{ mcpServer }, { StreamableHTTPServerTransport }] = await Promise.all([
        import('./mcp-server.ts'),
        import('@modelcontextprotocol/sdk/server/streamableHttp.js'),
      ])
      const transport = new StreamableHTTPServerTransport({ keepAliveMs: context.limits.heartbeatMs })
      const server = mcpServer({ context, request })
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value as string)
      // A client that is gone waits for nothing: this aborts what its calls still wait for.
      reply.raw.once('close', () => void server.close())
      await server.connect(transport as Parameters<typeof server.connect>[0])
      await transport.handleRequest(request.raw, reply.raw, request.body)
    },
  )

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
