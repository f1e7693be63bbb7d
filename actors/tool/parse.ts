import { z } from 'zod'
import { type Address, isAddress } from '../kernel/address.ts'
import { Failure } from '../kernel/failure.ts'
import type { ToolCommand } from './protocol.ts'

const settled = z.object({
  status: z.enum(['success', 'error', 'timeout', 'blocked', 'unknown', 'cancelled']),
  output: z.string().max(1_000_000),
  code: z.string().max(100).optional(),
  finishedAt: z.number(),
  truncated: z.boolean().optional(),
})

const command = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('Invoke'),
    v: z.literal(1),
    callId: z.string().min(1).max(200),
    tool: z.string().max(200),
    args: z.unknown().optional(),
    sessionId: z.string(),
    turnId: z.string(),
    personaId: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    replyTo: z.custom<Address>(isAddress, 'expected an address'),
  }),
  z.object({ kind: z.literal('Cancel'), v: z.literal(1), reason: z.string().max(2_000) }),
  z.object({ kind: z.literal('Settle'), v: z.literal(1), callId: z.string().min(1).max(200), outcome: settled }),
])

/** A wire body as a command; throws MALFORMED_MESSAGE. */
export function parseToolCommand(body: unknown): ToolCommand {
  const parsed = command.safeParse(body)
  if (parsed.success) return parsed.data as ToolCommand
  throw new Failure('MALFORMED_MESSAGE', z.prettifyError(parsed.error), { cause: parsed.error })
}
