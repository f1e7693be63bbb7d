import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { DrillSummary } from '../../../persistence/drill-reports.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { iso, timestamp } from '../schemas.ts'

const summary = z.object({
  id: z.string(),
  name: z.string(),
  started_at: timestamp,
  finished_at: timestamp,
  passed: z.boolean(),
})
/** A report is the drill's own document; its size is bounded like that of any body. */
const report = z.record(z.string(), z.unknown())
const stored = summary.extend({ report })

/** Reports of failover drills (scope admin): `soma drill` leaves them here, `soma drills` reads them. */
export function drillRoutes(app: App, { drills }: GatewayContext): void {
  const preHandler = async (request: FastifyRequest) => requireScope(request.caller, 'admin')
  const tags = ['admin']

  app.get(
    '/v1/admin/drills',
    {
      preHandler,
      schema: {
        tags,
        summary: 'Reports of failover drills, newest first',
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
        // The tenant: so that a drill can refuse to be somebody's who works.
        response: { 200: z.object({ tenant: z.string(), drills: z.array(summary) }) },
      },
    },
    async ({ caller, query }) => ({ tenant: caller.tenant, drills: (await drills.list(query.limit)).map(summaryJson) }),
  )

  app.get(
    '/v1/admin/drills/:id',
    {
      preHandler,
      schema: {
        tags,
        summary: 'One report, whole',
        params: z.object({ id: z.string().max(100) }),
        response: { 200: stored },
      },
    },
    async ({ params }) => {
      const found = await drills.get(params.id)
      if (!found) throw new Failure('DRILL_NOT_FOUND', `There is no report of a drill ${params.id}.`)
      return { ...summaryJson(found), report: found.report as Record<string, unknown> }
    },
  )

  app.post(
    '/v1/admin/drills',
    {
      preHandler,
      schema: {
        tags,
        summary: 'Keep the report of a drill',
        body: z.object({
          id: z.string().min(1).max(100),
          name: z.string().min(1).max(100),
          started_at: timestamp,
          finished_at: timestamp,
          passed: z.boolean(),
          report,
        }),
        response: { 200: z.object({ id: z.string() }) },
      },
    },
    async ({ body }) => {
      await drills.save({
        id: body.id,
        name: body.name,
        startedAt: Date.parse(body.started_at),
        finishedAt: Date.parse(body.finished_at),
        passed: body.passed,
        report: body.report,
      })
      return { id: body.id }
    },
  )
}

function summaryJson({ id, name, startedAt, finishedAt, passed }: DrillSummary) {
  return { id, name, started_at: iso(startedAt), finished_at: iso(finishedAt), passed }
}
