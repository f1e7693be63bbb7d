import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { accepted, iso, sessionParams, timestamp } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'

const timer = z.object({
  timer_id: z.string(),
  name: z.string().nullable(),
  cron: z.string().nullable(),
  time_zone: z.string().nullable(),
  due: timestamp,
  message: z.string(),
})

/** Timers that agents set with the tool `schedule`: to be seen and cancelled. */
export function timerRoutes(app: App, { door, reader }: GatewayContext): void {
  app.get(
    '/v1/sessions/:id/timers',
    {
      schema: {
        tags: ['timers'],
        summary: 'The timers of a session, the next one first',
        params: sessionParams,
        response: { 200: z.object({ session_id: z.string(), timers: z.array(timer) }) },
      },
    },
    async ({ caller, params }) => {
      const id = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, id)
      const { timers } = await reader.view(id)
      return {
        session_id: id,
        timers: timers.map(({ timerId, name, when, due, message }) => ({
          timer_id: timerId,
          name: name ?? null,
          cron: 'cron' in when ? when.cron : null,
          time_zone: 'cron' in when ? when.timeZone : null,
          due: iso(due),
          message,
        })),
      }
    },
  )

  app.delete(
    '/v1/sessions/:id/timers/:timer',
    {
      schema: {
        tags: ['timers'],
        summary: 'Cancel a timer, by its id or name',
        params: sessionParams.extend({ timer: z.string().min(1).max(100) }),
        response: { 200: accepted },
      },
    },
    async (request) => {
      const { caller, params } = request
      const ticket = await door.ticket(request, params.id)
      await door.require(caller, ticket.sessionId)
      const { timers } = await reader.view(ticket.sessionId)
      const known = timers.some(({ timerId, name }) => timerId === params.timer || name === params.timer)
      // The same request again finds it cancelled, and is answered as the first.
      if (!known && !ticket.repeated) {
        throw new Failure('TIMER_NOT_FOUND', `Session ${ticket.sessionId} has no timer \`${params.timer}\`.`)
      }
      const by = `cancelled by ${caller.subject ?? 'a client'}`.slice(0, 200)
      await door.send(request, ticket, { kind: 'CancelTimer', v: 1, timer: params.timer, by })
      return { session_id: ticket.sessionId, event_id: ticket.envelopeId }
    },
  )
}
