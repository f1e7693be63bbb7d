import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { Tool } from '../../../actors/tool/tool.ts'
import { EVERY_TENANT, type ToolSwitch } from '../../../persistence/tool-switches.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { iso, timestamp } from '../schemas.ts'

export const describedTool = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  idempotent: z.boolean(),
  timeout_ms: z.int(),
  reaches: z.array(z.string()),
})

const changed = z.object({ enabled: z.boolean(), by: z.string(), why: z.string(), at: timestamp, tenant: z.string() })

const entry = describedTool.extend({
  enabled: z.boolean(),
  /** Of this tenant's calls, the worst of all processes; `unknown`: no process that runs tools answers. */
  breaker: z.enum(['closed', 'half-open', 'open', 'unknown']),
  running: z.int(),
  waiting: z.int(),
  /** The last switches that concern this tenant: its own, and that of all (`*`). */
  switches: z.array(changed),
})

export function describeTool(tools: GatewayContext['tools'], one: Tool): z.infer<typeof describedTool> {
  return {
    name: one.name,
    description: one.description,
    parameters: { ...tools.parameters(one.name) },
    idempotent: one.idempotent,
    timeout_ms: one.timeoutMs,
    reaches: [...one.reaches],
  }
}

/** The catalogue as operators see and switch it. A token of one tenant switches for that tenant; `admin:all` may for all. */
export function toolCatalogRoutes(app: App, { tools, toolSwitches, operations, clock, log }: GatewayContext): void {
  const tags = ['tools']
  const shown = () => tools.list().filter(({ internal }) => !internal)

  async function entriesFor(tenant: string, of: readonly Tool[]): Promise<z.infer<typeof entry>[]> {
    const [standings, switches] = await Promise.all([operations.tools(tenant), toolSwitches.current()])
    return of.map((one) => {
      const standing = standings.find(({ tool }) => tool === one.name)
      const its = switches.filter((it) => it.tool === one.name && (it.tenant === tenant || it.tenant === EVERY_TENANT))
      return {
        ...describeTool(tools, one),
        enabled: its.every(({ enabled }) => enabled),
        breaker: standing?.breaker ?? ('unknown' as const),
        running: standing?.running ?? 0,
        waiting: standing?.waiting ?? 0,
        switches: its.map(switchJson),
      }
    })
  }

  app.get(
    '/v1/tool-catalog',
    {
      schema: {
        tags,
        summary: 'The tools here, whether they are switched on, and how they are doing',
        response: { 200: z.array(entry) },
      },
    },
    ({ caller }) => entriesFor(caller.tenant, shown()),
  )

  app.put(
    '/v1/tool-catalog/:name',
    {
      preHandler: async (request: FastifyRequest) => requireScope(request.caller, 'admin'),
      schema: {
        tags,
        summary: 'Switch a tool off or on, for this tenant or (admin:all) for every one; on every node within seconds',
        params: z.object({ name: z.string().min(1).max(200) }),
        body: z.object({
          enabled: z.boolean(),
          why: z.string().max(500).default(''),
          every_tenant: z.boolean().default(false),
        }),
        response: { 200: entry },
      },
    },
    async ({ caller, params, body }) => {
      const one = shown().find(({ name }) => name === params.name)
      if (!one) throw new Failure('TOOL_NOT_FOUND', `\`${params.name}\` is not here.`)
      if (body.every_tenant) requireScope(caller, 'admin:all')
      const tenant = body.every_tenant ? EVERY_TENANT : caller.tenant
      const change = {
        tool: one.name,
        tenant,
        enabled: body.enabled,
        why: body.why,
        by: caller.subject ?? caller.tenant,
      }
      await toolSwitches.set({ ...change, at: clock.now() })
      log.info(change, 'tool.switch')
      const [now] = await entriesFor(caller.tenant, [one])
      return now as z.infer<typeof entry>
    },
  )
}

function switchJson({ enabled, by, why, at, tenant }: ToolSwitch): z.infer<typeof changed> {
  return { enabled, by, why, at: iso(at), tenant }
}
