import { z } from 'zod'
import { memoryLimits as limits } from '../../actors/memory/limits.ts'
import type { MemoryItem, Remembered, Remembering } from '../../actors/memory/memory.ts'
import { iso } from './schemas.ts'

/** Memory as JSON, in and out. */

export const memoryNamespace = z.string().min(1).max(limits.namespaceChars)
export const memoryKey = z.string().min(1).max(limits.keyChars)
export const memoryUniverse = z.string().min(1).max(limits.universeChars)
export const memoryTags = z.array(z.string().min(1).max(limits.tagChars)).max(limits.tags)
const scope = z.string().min(1).max(limits.scopeChars)

export const rememberBody = z.object({
  key: memoryKey.nullish(),
  namespace: memoryNamespace.nullish(),
  text: z.string().max(limits.textChars).nullish(),
  value: z.unknown().optional(),
  tags: memoryTags.nullish(),
  universe: memoryUniverse.nullish(),
  session_id: scope.nullish(),
  persona_id: scope.nullish(),
  importance: z.number().min(0).max(1).nullish(),
  ttl_seconds: z.number().min(1).max(limits.ttlSeconds).nullish(),
})

export const memorySearch = {
  top_k: z.int().min(1).max(limits.topK).nullish(),
  namespace: memoryNamespace.nullish(),
  universe: memoryUniverse.nullish(),
  tags: memoryTags.nullish(),
  session_id: scope.nullish(),
  persona_id: scope.nullish(),
  min_score: z.number().min(0).max(1).nullish(),
  max_age_seconds: z.number().min(0).max(limits.ttlSeconds).nullish(),
}

export const memoryMode = z.enum(['hybrid', 'lexical', 'vector'])

export const coordinate = z.array(z.number()).length(3)

export const memoryItem = z.object({
  key: z.string(),
  namespace: z.string(),
  text: z.string(),
  value: z.unknown(),
  tags: z.array(z.string()),
  universe: z.string(),
  session_id: z.string().nullable(),
  persona_id: z.string().nullable(),
  importance: z.number(),
  layer: z.enum(['wm', 'ltm']),
  created_at: z.string(),
  updated_at: z.string(),
  expires_at: z.string().nullable(),
  coordinate,
})

export const rememberedAnswer = z.object({
  key: z.string(),
  namespace: z.string(),
  universe: z.string(),
  layer: z.enum(['wm', 'ltm']),
  coordinate,
  replaced: z.boolean(),
  deduplicated: z.boolean(),
  duplicate_of: z.string().nullable(),
  evicted: z.array(z.string()),
  expires_at: z.string().nullable(),
  warnings: z.array(z.string()),
})

export function memoryJson(item: MemoryItem): z.input<typeof memoryItem> {
  const { key, namespace, text, value, tags, universe, importance, layer } = item
  return {
    ...{ key, namespace, text, value, universe, importance, layer },
    tags: [...tags],
    session_id: item.sessionId ?? null,
    persona_id: item.personaId ?? null,
    created_at: iso(item.createdAt),
    updated_at: iso(item.updatedAt),
    expires_at: item.expiresAt === undefined ? null : iso(item.expiresAt),
    coordinate: [...item.coordinate],
  }
}

export function rememberingOf(body: z.output<typeof rememberBody>): Remembering {
  return {
    key: body.key ?? undefined,
    namespace: body.namespace ?? undefined,
    text: body.text ?? undefined,
    value: body.value,
    tags: body.tags ?? undefined,
    universe: body.universe ?? undefined,
    sessionId: body.session_id ?? undefined,
    personaId: body.persona_id ?? undefined,
    importance: body.importance ?? undefined,
    ttlSeconds: body.ttl_seconds ?? undefined,
  }
}

interface SearchBody {
  readonly top_k?: number | null | undefined
  readonly namespace?: string | null | undefined
  readonly universe?: string | null | undefined
  readonly tags?: readonly string[] | null | undefined
  readonly session_id?: string | null | undefined
  readonly persona_id?: string | null | undefined
  readonly min_score?: number | null | undefined
  readonly max_age_seconds?: number | null | undefined
}

export function searchOf(body: SearchBody) {
  return {
    topK: body.top_k ?? undefined,
    namespace: body.namespace ?? undefined,
    universe: body.universe ?? undefined,
    tags: body.tags ?? undefined,
    sessionId: body.session_id ?? undefined,
    personaId: body.persona_id ?? undefined,
    minScore: body.min_score ?? undefined,
    maxAgeSeconds: body.max_age_seconds ?? undefined,
  }
}

export function rememberedJson(remembered: Remembered): z.input<typeof rememberedAnswer> {
  const { key, namespace, universe, layer, replaced, duplicateOf, evicted, expiresAt, warnings } = remembered
  return {
    ...{ key, namespace, universe, layer, replaced },
    coordinate: [...remembered.coordinate],
    deduplicated: duplicateOf !== undefined,
    duplicate_of: duplicateOf ?? null,
    evicted: [...evicted],
    expires_at: expiresAt === undefined ? null : iso(expiresAt),
    warnings: [...warnings],
  }
}
