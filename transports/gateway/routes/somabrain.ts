import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { asFailure } from '../../../actors/kernel/failure.ts'
import { memoryLimits as limits } from '../../../actors/memory/limits.ts'
import type { MemoryCaller, Remembered } from '../../../actors/memory/memory.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { memoryReader, memoryWriter } from '../memory-caller.ts'
import { coordinate, memoryKey, memoryNamespace, memoryTags, memoryUniverse } from '../memory-shapes.ts'
import { headerOf } from '../request-headers.ts'
import { traceIdOf } from '../trace.ts'

const WORKING = 'wm'

/** What a client of SomaBrain sends. Fields that only its engine knew are kept in the value, under `somabrain`. */
const rememberBody = z.object({
  key: memoryKey,
  namespace: memoryNamespace.nullish(),
  value: z.record(z.string(), z.unknown()),
  universe: memoryUniverse.nullish(),
  ttl_seconds: z.number().min(1).max(limits.ttlSeconds).nullish(),
  tags: memoryTags.default([]),
  importance: z.number().min(0).max(1).nullish(),
  trace_id: z.string().max(200).nullish(),
  meta: z.record(z.string(), z.unknown()).nullish(),
  policy_tags: z.array(z.string().max(200)).nullish(),
  attachments: z.array(z.unknown()).nullish(),
  links: z.array(z.unknown()).nullish(),
  signals: z.record(z.string(), z.unknown()).nullish(),
  novelty: z.number().nullish(),
})

const rememberAnswer = z.object({
  ok: z.boolean(),
  tenant: z.string(),
  namespace: z.string(),
  coordinate,
  promoted_to_wm: z.boolean(),
  persisted_to_ltm: z.boolean(),
  deduplicated: z.boolean(),
  breaker_open: z.boolean(),
  queued: z.boolean(),
  request_id: z.string(),
  trace_id: z.string(),
  warnings: z.array(z.string()),
  signals: z.record(z.string(), z.unknown()).nullable(),
})

const recallBody = z.object({
  query: z.string().min(1).max(limits.queryChars),
  top_k: z.int().min(1).max(limits.topK).default(10),
  layer: z.enum(['wm', 'ltm']).nullish(),
  namespace: memoryNamespace.nullish(),
  universe: memoryUniverse.nullish(),
  tags: memoryTags.nullish(),
  min_score: z.number().min(0).max(1).nullish(),
  max_age_seconds: z.number().min(0).max(limits.ttlSeconds).nullish(),
  session_id: z.string().min(1).max(limits.scopeChars).nullish(),
  scoring_mode: z.string().max(100).nullish(),
  conversation_id: z.string().max(200).nullish(),
})

/** SomaBrain's HTTP API, as far as clients of the old stack call it. The tenant is the token's; a named one is ignored. */
export function somabrainRoutes(app: App, context: GatewayContext): void {
  const { memory } = context
  const tags = ['somabrain']

  async function remember(request: FastifyRequest, body: z.output<typeof rememberBody>, by: MemoryCaller) {
    const { key, namespace, value, universe, ttl_seconds, tags: words, importance, trace_id, signals, ...more } = body
    const known = Object.entries({ signals, ...more }).filter(([, given]) => given != null)
    const remembered = await memory.remember(
      {
        key,
        namespace: namespace ?? undefined,
        value: known.length === 0 ? value : { ...value, somabrain: Object.fromEntries(known) },
        universe: universe ?? headerOf(request, 'x-universe'),
        tags: words,
        importance: importance ?? undefined,
        ttlSeconds: ttl_seconds ?? undefined,
      },
      by,
    )
    return { ...remembered, signals: signals ?? null, traceId: trace_id ?? traceIdOf(request) }
  }

  const answered = (
    request: FastifyRequest,
    done: Remembered & { signals: Record<string, unknown> | null; traceId: string },
  ) => ({
    ok: true,
    tenant: request.caller.tenant,
    namespace: done.namespace,
    coordinate: [...done.coordinate],
    promoted_to_wm: done.layer === 'wm',
    persisted_to_ltm: done.layer === 'ltm',
    deduplicated: done.duplicateOf !== undefined,
    // There is no second store behind this one that could be away.
    breaker_open: false,
    queued: false,
    request_id: request.id,
    trace_id: done.traceId,
    warnings: [...done.warnings],
    signals: done.signals,
  })

  app.post(
    '/memory/remember',
    { schema: { tags, summary: 'As SomaBrain has it', body: rememberBody, response: { 200: rememberAnswer } } },
    async (request) => {
      const by = await memoryWriter(request, context)
      return answered(request, await remember(request, request.body, by))
    },
  )

  app.post(
    '/memory/remember/batch',
    {
      schema: {
        tags,
        summary: 'As SomaBrain has it',
        body: z.object({
          items: z.array(rememberBody).min(1).max(limits.batch),
          namespace: memoryNamespace.nullish(),
          universe: memoryUniverse.nullish(),
        }),
        response: {
          200: z.object({
            ok: z.boolean(),
            results: z.array(
              z.union([rememberAnswer, z.object({ ok: z.literal(false), key: z.string(), error: z.string() })]),
            ),
          }),
        },
      },
    },
    async (request) => {
      const by = await memoryWriter(request, context)
      const { items, namespace, universe } = request.body
      const results = await Promise.all(
        items.map(async (item, index) => {
          const body = { ...item, namespace: item.namespace ?? namespace, universe: item.universe ?? universe }
          try {
            const own = { ...by, requestId: `${by.requestId}/${index}` }
            return answered(request, await remember(request, body, own))
          } catch (error) {
            const { code, detail } = asFailure(error)
            if (code === 'POLICY_UNAVAILABLE' || code === 'INTERNAL') throw error
            return { ok: false as const, key: item.key, error: `${code}: ${detail}` }
          }
        }),
      )
      return { ok: results.every(({ ok }) => ok), results }
    },
  )

  app.post(
    '/memory/recall',
    {
      schema: {
        tags,
        summary: 'As SomaBrain has it',
        body: recallBody,
        response: {
          200: z.object({
            results: z.array(
              z.object({
                layer: z.enum(['wm', 'ltm']),
                score: z.number(),
                payload: z.record(z.string(), z.unknown()),
                coordinate,
                source: z.string(),
                confidence: z.number(),
                novelty: z.number(),
                affinity: z.number(),
              }),
            ),
            tenant: z.string(),
            trace_id: z.string(),
            took_ms: z.number(),
            warnings: z.array(z.string()),
          }),
        },
      },
    },
    async (request) => {
      const { body } = request
      const { results, tookMs, warnings } = await memory.recall(
        {
          query: body.query,
          topK: body.top_k,
          namespace: body.layer === 'wm' ? WORKING : (body.namespace ?? undefined),
          universe: body.universe ?? headerOf(request, 'x-universe'),
          tags: body.tags ?? undefined,
          minScore: body.min_score ?? undefined,
          maxAgeSeconds: body.max_age_seconds ?? undefined,
          sessionId: body.session_id ?? undefined,
        },
        memoryReader(request, context),
      )
      return {
        results: results
          .filter(({ layer }) => body.layer == null || layer === body.layer)
          .map(({ key, namespace, text, value, tags: words, layer, score, vectorScore, coordinate: at }) => ({
            ...{ layer, score },
            payload: { ...asObject(value), key, namespace, text, tags: [...words] },
            coordinate: [...at],
            source: 'memory',
            confidence: score,
            novelty: 1 - score,
            affinity: vectorScore,
          })),
        tenant: request.caller.tenant,
        trace_id: traceIdOf(request),
        took_ms: tookMs,
        warnings: [...warnings],
      }
    },
  )
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return value == null ? {} : { value }
}
