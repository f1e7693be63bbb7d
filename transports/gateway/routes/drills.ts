import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { DrillSummary } from '../../../persistence/drill-reports.ts'
import { requireScope } from '../auth.ts'
import type { DrillRun } from '../drill-runs.ts'
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
const run = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['running', 'passed', 'failed', 'stopped']),
  started_at: timestamp,
  finished_at: timestamp.nullable(),
  lines: z.array(z.string()),
})

/** Reports of failover drills (scope admin): `soma drill` leaves them here, `soma drills` reads them. */
export function drillRoutes(app: App, { drills, drillRuns }: GatewayContext): void {
  const preHandler = async (request: FastifyRequest) => requireScope(request.caller, 'admin')
  const adminOfAll = async (request: FastifyRequest) => requireScope(request.caller, 'admin:all')
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

  const runOf = ({ startedAt, finishedAt, lines, ...run }: DrillRun) => ({
    ...run,
    started_at: iso(startedAt),
    finished_at: finishedAt === undefined ? null : iso(finishedAt),
    lines: [...lines],
  })

  app.get(
    '/v1/admin/drill-runs',
    {
      preHandler,
      schema: {
        tags,
        summary: 'Which drills this cluster can run, and those started here, the latest first',
        response: {
          200: z.object({ offered: z.array(z.object({ name: z.string(), what: z.string() })), runs: z.array(run) }),
        },
      },
    },
    async () => ({ offered: drillRuns.offered.map((it) => ({ ...it })), runs: drillRuns.list().map(runOf) }),
  )

  app.post(
    '/v1/admin/drill-runs',
    {
      preHandler: adminOfAll,
      schema: {
        tags,
        summary: 'Run a drill on this cluster, with load of its own, as the caller’s tenant',
        body: z.object({
          name: z.string().min(1).max(100),
          sessions: z.int().min(1).max(1_000).default(30),
          rate: z.int().min(1).max(1_000).default(20),
          duration_seconds: z.int().min(1).max(3_600).default(20),
          repeat: z.int().min(1).max(1_000).default(1),
          in_production: z.boolean().default(false),
        }),
        response: { 200: run },
      },
    },
    async ({ body, headers }) => {
      const token = headers.authorization?.replace(/^Bearer /i, '')
      const { name, sessions, rate, duration_seconds: durationSeconds, repeat, in_production: inProduction } = body
      return runOf(await drillRuns.start({ name, sessions, rate, durationSeconds, repeat, inProduction, token }))
    },
  )

  app.post(
    '/v1/admin/drill-runs/:id/stop',
    {
      preHandler: adminOfAll,
      schema: {
        tags,
        summary: 'End a drill early; the load stops, what it broke is mended',
        params: z.object({ id: z.string().max(100) }),
        response: { 200: z.object({ status: z.literal('stopping'), id: z.string() }) },
      },
    },
    async ({ params }) => {
      if (!drillRuns.stop(params.id)) throw new Failure('DRILL_NOT_FOUND', `No drill ${params.id} is running here.`)
      return { status: 'stopping' as const, id: params.id }
    },
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
