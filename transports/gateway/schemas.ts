import { z } from 'zod'
import { givenMetadata } from '../given-metadata.ts'

/** Words that several routes share. */

/** A UUID, or a name of your own: the same name is the same session for your tenant. */
export const sessionName = z.string().min(1).max(128)
export const personaId = z.string().min(1).max(63)
export const metadata = givenMetadata
export const sessionParams = z.object({ id: sessionName })
export const accepted = z.object({ session_id: z.string(), event_id: z.string() })
export const timestamp = z.iso.datetime()

export const conversationEvent = z.object({
  event_id: z.string(),
  session_id: z.string(),
  persona_id: z.string(),
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  type: z.string(),
  message: z.string(),
  version: z.literal('sa01-v1'),
  metadata: z.record(z.string(), z.unknown()),
})

export const historyMessage = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'user']), content: z.string() }),
  z.object({
    role: z.literal('assistant'),
    content: z.string(),
    toolCalls: z.array(z.object({ id: z.string(), name: z.string(), arguments: z.string() })).optional(),
  }),
  z.object({ role: z.literal('tool'), toolCallId: z.string(), content: z.string() }),
])

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
