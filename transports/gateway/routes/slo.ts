import { z } from 'zod'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { iso, timestamp } from '../schemas.ts'

const rate = z.record(z.string(), z.number())
const share = z.number().nullable()

const point = z.object({
  at: timestamp,
  processes: z.int(),
  answered: z.int(),
  accept_availability: share,
  turn_success: share,
  accept_seconds: share,
  turn_seconds: share,
  append_seconds: share,
  takeover_seconds: share,
  accepted_per_second: z.number(),
  turns_per_second: z.number(),
  tools_per_second: z.number(),
  mailbox_lag: z.number(),
  dead_letters: z.number(),
  quarantined: z.number(),
  shards_owned: rate,
  active: rate,
  messages: rate,
  memory_bytes: z.number(),
  loop_delay_seconds: z.number(),
})

/** Of docs/SLO.md. */
const objectives = {
  accept_availability: 0.999,
  turn_success: 0.95,
  accept_seconds: 0.25,
  turn_seconds: 30,
  append_seconds: 0.1,
  takeover_seconds: 3,
  mailbox_lag: 10_000,
}

/** What the console draws (scope admin); for months of it ask Prometheus. */
export function sloRoutes(app: App, { slo }: GatewayContext): void {
  app.get(
    '/v1/admin/slo',
    {
      preHandler: async (request) => requireScope(request.caller, 'admin'),
      schema: {
        tags: ['admin'],
        summary: 'Service levels of the last hour, over all processes, a point every few seconds',
        querystring: z.object({ since: z.coerce.number().min(0).default(0).describe('Epoch milliseconds.') }),
        response: {
          200: z.object({ every_ms: z.int(), objectives: rate, points: z.array(point) }),
        },
      },
    },
    async ({ query }) => ({
      every_ms: slo.everyMs,
      objectives,
      points: slo.points(query.since).map((one) => ({
        at: iso(one.at),
        processes: one.processes,
        answered: one.answered,
        accept_availability: one.acceptAvailability,
        turn_success: one.turnSuccess,
        accept_seconds: one.acceptSeconds,
        turn_seconds: one.turnSeconds,
        append_seconds: one.appendSeconds,
        takeover_seconds: one.takeoverSeconds,
        accepted_per_second: one.acceptedPerSecond,
        turns_per_second: one.turnsPerSecond,
        tools_per_second: one.toolsPerSecond,
        mailbox_lag: one.mailboxLag,
        dead_letters: one.deadLetters,
        quarantined: one.quarantined,
        shards_owned: { ...one.shardsOwned },
        active: { ...one.active },
        messages: { ...one.messages },
        memory_bytes: one.memoryBytes,
        loop_delay_seconds: one.loopDelaySeconds,
      })),
    }),
  )
}
