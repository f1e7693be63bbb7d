import { z } from 'zod'
import type { HealthReport } from '../health.ts'
import type { App } from '../http-server.ts'

export interface OperationParts {
  metricsText(): Promise<string>
  health(): Promise<HealthReport>
  readonly config: { readonly version: string }
}

/** What machines ask of this process: is it alive, is it ready, what does it measure. */
export function operationRoutes(app: App, { health, metricsText, config }: OperationParts): void {
  const open = { config: { public: true } }

  app.get(
    '/healthz',
    {
      ...open,
      schema: {
        tags: ['operations'],
        summary: 'The process answers',
        response: { 200: z.object({ status: z.literal('ok'), version: z.string() }) },
      },
    },
    async () => ({ status: 'ok' as const, version: config.version }),
  )

  const readiness = z.object({
    status: z.enum(['ready', 'not-ready']),
    dependencies: z.array(
      z.object({
        name: z.string(),
        required: z.boolean(),
        ok: z.boolean(),
        detail: z.string(),
        remedy: z.string(),
        ms: z.number(),
        address: z.string().optional(),
        variable: z.string().optional(),
        cause: z.string().optional(),
      }),
    ),
  })

  app.get(
    '/readyz',
    {
      ...open,
      schema: {
        tags: ['operations'],
        summary: 'Each dependency, and what to do when it is down',
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const report = await health()
      const ready = report.ready && report.dependencies.every(({ ok, required }) => ok || !required)
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? ('ready' as const) : ('not-ready' as const), dependencies: [...report.dependencies] })
    },
  )

  app.get(
    '/metrics',
    { ...open, schema: { tags: ['operations'], summary: 'Prometheus text' } },
    async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsText()),
  )
}
