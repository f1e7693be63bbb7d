import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { asFailure } from '../../../actors/kernel/failure.ts'
import type { AuditQuery, AuditTrail } from '../audit-trail.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { problemOf } from '../problem.ts'
import { timestamp } from '../schemas.ts'

const DAY_MS = 86_400_000

/** What tools did and who allowed it (scope admin), as the journal has it. Of the token's tenant; with `admin:all` of all. */
export function auditRoutes(app: App, { audit, clock }: GatewayContext): void {
  app.get(
    '/v1/admin/audit/export',
    {
      preHandler: async (request: FastifyRequest) => requireScope(request.caller, 'admin'),
      schema: {
        tags: ['admin'],
        summary:
          'The audit trail of tool calls and switches, one JSON object a line (NDJSON); by default of the last day',
        querystring: z.object({
          since: timestamp.optional(),
          until: timestamp.optional(),
          limit: z.coerce.number().int().min(1).max(1_000_000).default(100_000),
        }),
      },
    },
    (request, reply) => {
      const { since, until, limit } = request.query
      const now = clock.now()
      const query: AuditQuery = {
        since: since === undefined ? now - DAY_MS : Date.parse(since),
        until: until === undefined ? now : Date.parse(until),
        limit: limit + 1,
        ...(request.caller.scopes.has('admin:all') ? {} : { tenant: request.caller.tenant }),
      }
      return reply.type('application/x-ndjson').send(Readable.from(lines(audit, query, limit)))
    },
  )
}

/** A file that ends early looks like a whole one: the last line says so. */
async function* lines(audit: AuditTrail, query: AuditQuery, limit: number): AsyncGenerator<string> {
  let count = 0
  try {
    for await (const row of audit.rows(query)) {
      if (count++ === limit) {
        yield `${JSON.stringify({ truncated: true, limit })}\n`
        return
      }
      yield `${JSON.stringify(row)}\n`
    }
  } catch (error) {
    yield `${JSON.stringify({ truncated: true, ...problemOf(asFailure(error)) })}\n`
  }
}
