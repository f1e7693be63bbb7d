import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { metadata, personaId, sessionName } from '../schemas.ts'
import { describedTool, describeTool } from './tool-catalog.ts'

export function toolRoutes(app: App, { door, tools, personas, toolSwitches }: GatewayContext): void {
  // Asked each time: those of MCP servers come and go.
  const offered = () => tools.list().filter(({ internal }) => !internal)

  app.post(
    '/v1/tool/request',
    {
      schema: {
        tags: ['tools'],
        summary: 'Run a tool in a session, outside any turn; the result comes over the session’s stream',
        body: z.object({
          session_id: sessionName,
          tool_name: z.string().min(1).max(200),
          args: z.record(z.string(), z.unknown()).default({}),
          persona_id: personaId.nullish(),
          metadata: metadata.default({}),
        }),
        response: { 200: z.object({ status: z.literal('enqueued'), event_id: z.string(), session_id: z.string() }) },
      },
    },
    async (request) => {
      const { body } = request
      if (!offered().some(({ name }) => name === body.tool_name))
        throw new Failure('TOOL_NOT_FOUND', `\`${body.tool_name}\` is not here.`)
      const off = toolSwitches.off(body.tool_name, request.caller.tenant)
      if (off) throw new Failure('TOOL_DISABLED', `\`${body.tool_name}\` is switched off: ${off.why}`)
      door.checkPersona(body.persona_id)
      const ticket = await door.ticket(request, body.session_id)
      await door.open(
        request,
        ticket,
        {
          kind: 'RequestTool',
          v: 1,
          requestId: ticket.envelopeId,
          tool: body.tool_name,
          args: body.args,
          metadata: body.metadata,
        },
        body.persona_id == null ? {} : { personaId: body.persona_id },
      )
      return { status: 'enqueued' as const, event_id: ticket.envelopeId, session_id: ticket.sessionId }
    },
  )

  app.get(
    '/v1/tools',
    {
      schema: {
        tags: ['tools'],
        summary: 'The tools here, with the schemas of their arguments',
        response: { 200: z.object({ tools: z.array(describedTool) }) },
      },
    },
    async () => ({ tools: offered().map((one) => describeTool(tools, one)) }),
  )

  app.get(
    '/v1/personas',
    {
      schema: {
        tags: ['tools'],
        summary: 'The personas here',
        response: {
          200: z.object({
            default: z.string(),
            personas: z.array(z.object({ id: z.string(), name: z.string(), tools: z.array(z.string()) })),
          }),
        },
      },
    },
    async () => ({
      default: personas.defaultId,
      personas: personas.list().map(({ id, name, tools: allowed }) => ({ id, name, tools: allowed })),
    }),
  )
}
