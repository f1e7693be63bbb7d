import { z } from 'zod'
import { Failure } from '../kernel/failure.ts'
import { memoryLimits as limits } from './limits.ts'
import type { MemoryCommand } from './protocol.ts'

const name = (max: number) => z.string().min(1).max(max)

const author = z.object({
  role: z.enum(['user', 'assistant', 'operator']),
  sessionId: name(limits.scopeChars).optional(),
  personaId: name(limits.scopeChars).optional(),
  requestId: name(500),
  traceId: name(100).optional(),
})

/** I10: a command whose decision does not allow it is malformed, whoever sent it. */
const decision = z.object({
  id: z.string(),
  allow: z.literal(true),
  reason: z.string().max(2_000),
  policy: z.string().max(2_000),
})

const common = { v: z.literal(1), namespace: name(limits.namespaceChars), author, decision }

const command = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('Remember'),
    ...common,
    memory: z.object({
      key: name(limits.keyChars),
      text: z.string().max(limits.textChars),
      value: z.unknown(),
      tags: z.array(name(limits.tagChars)).max(limits.tags),
      universe: name(limits.universeChars),
      sessionId: name(limits.scopeChars).optional(),
      personaId: name(limits.scopeChars).optional(),
      importance: z.number().min(0).max(1),
    }),
    ttlSeconds: z.number().min(1).max(limits.ttlSeconds).optional(),
  }),
  z.object({ kind: z.literal('Forget'), ...common, keys: z.array(name(limits.keyChars)).min(1).max(limits.batch) }),
])

/** A wire body as a command; throws MALFORMED_MESSAGE. */
export function parseMemoryCommand(body: unknown): MemoryCommand {
  const parsed = command.safeParse(body)
  if (parsed.success) return parsed.data as MemoryCommand
  throw new Failure('MALFORMED_MESSAGE', z.prettifyError(parsed.error), { cause: parsed.error })
}
