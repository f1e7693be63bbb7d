import { z } from 'zod'
import { Failure } from '../kernel/failure.ts'
import { contentHashOf } from './content-hash.ts'
import { memoryLimits as limits } from './limits.ts'
import type { Forgetting, Recalling, Remembering } from './memory.ts'
import type { MemoryContent } from './protocol.ts'

/** What callers may ask of memory, with the words that are left out filled in. */

export const DEFAULT_NAMESPACE = 'default'
export const DEFAULT_UNIVERSE = 'real'
const DEFAULT_IMPORTANCE = 0.5
const DEFAULT_TOP_K = 10

const name = (max: number) => z.string().min(1).max(max)
const scope = name(limits.scopeChars).optional()
const tags = z.array(name(limits.tagChars)).max(limits.tags)
const key = name(limits.keyChars)
const namespace = name(limits.namespaceChars)
const universe = name(limits.universeChars)

const remembering = z.object({
  key: key.optional(),
  namespace: namespace.default(DEFAULT_NAMESPACE),
  text: z.string().max(limits.textChars).optional(),
  value: z.unknown().optional(),
  tags: tags.default([]),
  universe: universe.default(DEFAULT_UNIVERSE),
  sessionId: scope,
  personaId: scope,
  importance: z.number().min(0).max(1).default(DEFAULT_IMPORTANCE),
  ttlSeconds: z.number().min(1).max(limits.ttlSeconds).optional(),
})

const search = {
  topK: z.int().min(1).max(limits.topK).default(DEFAULT_TOP_K),
  namespace: namespace.optional(),
  universe: universe.optional(),
  tags: tags.optional(),
  sessionId: scope,
  personaId: scope,
  minScore: z.number().min(0).max(1).optional(),
  maxAgeSeconds: z.number().min(0).max(limits.ttlSeconds).optional(),
}
const query = z
  .string()
  .max(limits.queryChars)
  .refine((text) => text.trim() !== '', 'is empty: say what to look for')

const recalling = z.object({ ...search, query, mode: z.enum(['hybrid', 'lexical', 'vector']).default('hybrid') })

const forgetting = z
  .object({ ...search, query: query.optional(), keys: z.array(key).min(1).max(limits.batch).optional() })
  .refine(({ keys, query: text }) => (keys === undefined) !== (text === undefined), 'give either keys or a query')

export type CheckedRecall = z.output<typeof recalling>
export type CheckedForget = z.output<typeof forgetting>

export interface CheckedRemember {
  readonly namespace: string
  readonly memory: MemoryContent
  readonly ttlSeconds?: number
}

export function checkRemembering(asked: Remembering): CheckedRemember {
  const checked = check(remembering, asked)
  const { namespace: of, ttlSeconds, key: given, text, value = null, sessionId, personaId, ...rest } = checked
  const searched = text ?? textOf(value)
  if (searched.trim() === '') refuse('text', 'is empty, and so is value: give what is to be remembered')
  if (JSON.stringify(value).length > limits.valueChars) {
    refuse('value', `is longer than ${limits.valueChars} characters of JSON`)
  }
  const content = {
    ...rest,
    text: searched,
    value,
    ...(sessionId !== undefined && { sessionId }),
    ...(personaId !== undefined && { personaId }),
  }
  // Each tag once: a list with the same word twice means the same.
  const memory = { ...content, tags: [...new Set(rest.tags)], key: given ?? `m-${contentHashOf(content)}` }
  return { namespace: of, memory, ...(ttlSeconds !== undefined && { ttlSeconds }) }
}

export function checkRecalling(asked: Recalling): CheckedRecall {
  return check(recalling, asked)
}

export function checkForgetting(asked: Forgetting): CheckedForget {
  return check(forgetting, asked)
}

function check<Schema extends z.ZodType>(schema: Schema, asked: unknown): z.output<Schema> {
  const parsed = schema.safeParse(asked)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues
    .slice(0, 10)
    .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }))
  const detail = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  throw new Failure('INVALID_REQUEST', detail, { errors })
}

function refuse(path: string, message: string): never {
  throw new Failure('INVALID_REQUEST', `${path} ${message}`, { errors: [{ path, message }] })
}

/** What of a value is worth searching: its text where it has one, else all of it. */
function textOf(value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'string') return value.slice(0, limits.textChars)
  if (typeof value === 'object' && !Array.isArray(value)) {
    for (const field of ['text', 'content', 'message', 'task'] as const) {
      const text = (value as Record<string, unknown>)[field]
      if (typeof text === 'string' && text.trim() !== '') return text.slice(0, limits.textChars)
    }
    if (Object.keys(value).length === 0) return ''
  }
  return (JSON.stringify(value) ?? '').slice(0, limits.textChars)
}
