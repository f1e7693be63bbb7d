import { z } from 'zod'
import { address } from '../../kernel/address.ts'
import { whenOf } from '../../session/due-times.ts'
import type { SessionCommand } from '../../session/protocol.ts'
import { deferred, defineTool, type ToolContext } from '../tool.ts'

/**
 * Timers of the asking session. The session itself keeps them and answers, as a message: the tool only asks it. Asked again
 * after a crash it is the same envelope, so no timer is set twice.
 */
const ASKED_MS = 15_000

const id = z.string().min(1).max(100)

export const schedule = defineTool({
  name: 'schedule',
  description:
    'Sets a timer: at that time, or each time the pattern says, this conversation is told the message, and you act on it.',
  schema: z.object({
    when: z
      .string()
      .max(200)
      .describe('An ISO time ("2026-05-01T09:00:00") or a cron pattern of five fields ("0 9 * * 1-5").'),
    time_zone: z.string().max(100).optional().describe('IANA name, for instance "Europe/Berlin"; UTC when left out.'),
    message: z.string().min(1).max(4_000).describe('What you are told then: complete in itself.'),
    name: id.optional().describe('A name to cancel it by.'),
  }),
  idempotent: true,
  timeoutMs: ASKED_MS,
  reaches: ['sessions'],
  async run({ when, time_zone, message, name }, call) {
    const wanted = whenOf(when, time_zone)
    return asked(call, {
      ...{ kind: 'Schedule', v: 1, callId: call.callId, when: wanted, message },
      ...(name !== undefined && { name }),
    })
  },
})

export const scheduleList = defineTool({
  name: 'schedule_list',
  description: 'Lists the timers of this conversation, with the time at which each is due next.',
  schema: z.object({}),
  idempotent: true,
  timeoutMs: ASKED_MS,
  reaches: ['sessions'],
  run: async (_, call) => asked(call, { kind: 'ListTimers', v: 1, callId: call.callId }),
})

export const scheduleCancel = defineTool({
  name: 'schedule_cancel',
  description: 'Cancels a timer of this conversation.',
  schema: z.object({ timer: id.describe('Its id or name.') }),
  idempotent: true,
  timeoutMs: ASKED_MS,
  reaches: ['sessions'],
  run: async ({ timer }, call) =>
    asked(call, { kind: 'CancelTimer', v: 1, timer, callId: call.callId, by: 'cancelled by the agent' }),
})

function asked({ sessionId }: ToolContext, command: SessionCommand) {
  const session = address('session', sessionId)
  return deferred({ settledBy: [session], send: [{ to: session, body: command }] })
}
