import { z } from 'zod'
import { Failure } from '../../actors/kernel/failure.ts'
import type { InjectedMessage } from '../../actors/session/protocol.ts'

/** What an operator may put into a session, as the API says it: for injecting it, and for trying it in a dry run. */

export const why = z.string().min(1).max(1_000)
const id = z.string().min(1).max(200)

export function injection(messageChars: number) {
  const content = z.string().min(1).max(messageChars)
  return z.discriminatedUnion('role', [
    z.object({ role: z.enum(['user', 'system']), content, why }),
    z.object({ role: z.literal('tool'), content, call_id: id, why }),
    z.object({
      role: z.literal('control'),
      command: z.enum(['stop', 'pause', 'resume', 'nudge', 'reset', 'persona']),
      turn_id: id.optional(),
      also_queued: z.boolean().optional(),
      persona_id: id.optional(),
      why,
    }),
  ])
}

export function messageOf(body: z.infer<ReturnType<typeof injection>>): InjectedMessage {
  if (body.role === 'tool') return { role: 'tool', callId: body.call_id, content: body.content }
  if (body.role !== 'control') return { role: body.role, content: body.content }
  const { command, turn_id, also_queued, persona_id } = body
  if (command === 'persona') {
    if (persona_id === undefined) throw new Failure('INVALID_REQUEST', 'The command persona needs `persona_id`.')
    return { role: 'control', command: { name: command, personaId: persona_id } }
  }
  if (command !== 'stop') return { role: 'control', command: { name: command } }
  const which = {
    ...(turn_id !== undefined && { turnId: turn_id }),
    ...(also_queued !== undefined && { alsoQueued: also_queued }),
  }
  return { role: 'control', command: { name: 'stop', ...which } }
}
