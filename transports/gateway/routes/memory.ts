import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import { memoryLimits as limits } from '../../../actors/memory/limits.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { memoryReader, memoryWriter } from '../memory-caller.ts'
import {
  memoryItem,
  memoryJson,
  memoryKey,
  memoryMode,
  memoryNamespace,
  memorySearch,
  memoryUniverse,
  rememberBody,
  rememberedAnswer,
  rememberedJson,
  rememberingOf,
  searchOf,
} from '../memory-shapes.ts'

export const memoryListQuery = z.object({
  namespace: memoryNamespace.optional(),
  universe: memoryUniverse.optional(),
  tag: z.string().min(1).max(limits.tagChars).optional(),
  search: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(limits.page).default(50),
  before: z.string().max(2_000).optional(),
})

const place = z.object({ namespace: memoryNamespace, key: memoryKey })
const forgotten = z.object({ forgotten: z.int(), keys: z.array(z.string()), warnings: z.array(z.string()) })

/** The memory of the caller's tenant (docs/MEMORY.md). */
export function memoryRoutes(app: App, context: GatewayContext): void {
  const { memory } = context
  const tags = ['memory']

  app.get(
    '/v1/memory',
    {
      schema: {
        tags,
        summary: 'What is remembered, newest first',
        querystring: memoryListQuery,
        response: { 200: z.object({ memories: z.array(memoryItem), next_cursor: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { memories, next } = await memory.list({ ...request.query, tenant: request.caller.tenant })
      return { memories: memories.map(memoryJson), next_cursor: next ?? null }
    },
  )

  app.get(
    '/v1/memory/namespaces',
    {
      schema: {
        tags,
        summary: 'The namespaces there are, and how much each holds',
        response: { 200: z.object({ namespaces: z.array(z.object({ namespace: z.string(), memories: z.int() })) }) },
      },
    },
    async (request) => ({ namespaces: [...(await memory.namespaces(request.caller.tenant))] }),
  )

  app.post(
    '/v1/memory/remember',
    {
      schema: {
        tags,
        summary: 'Remember something; answered when it is durable and found by recall',
        body: rememberBody,
        response: { 200: rememberedAnswer },
      },
    },
    async (request) => {
      const by = await memoryWriter(request, context)
      return rememberedJson(await memory.remember(rememberingOf(request.body), by))
    },
  )

  app.post(
    '/v1/memory/recall',
    {
      schema: {
        tags,
        summary: 'Find what is remembered, by meaning and by words',
        body: z.object({
          ...memorySearch,
          query: z.string().min(1).max(limits.queryChars),
          mode: memoryMode.nullish(),
        }),
        response: {
          200: z.object({
            results: z.array(
              memoryItem.extend({ score: z.number(), lexical_score: z.number(), vector_score: z.number() }),
            ),
            took_ms: z.number(),
            warnings: z.array(z.string()),
          }),
        },
      },
    },
    async (request) => {
      const { query, mode, ...body } = request.body
      const asked = { ...searchOf(body), query, mode: mode ?? undefined }
      const { results, tookMs, warnings } = await memory.recall(asked, memoryReader(request, context))
      return {
        results: results.map(({ score, lexicalScore, vectorScore, ...item }) => ({
          ...memoryJson(item),
          ...{ score, lexical_score: lexicalScore, vector_score: vectorScore },
        })),
        took_ms: tookMs,
        warnings: [...warnings],
      }
    },
  )

  app.post(
    '/v1/memory/forget',
    {
      schema: {
        tags,
        summary: 'Forget by keys, or what a query clearly means',
        body: z.object({
          ...memorySearch,
          keys: z.array(memoryKey).min(1).max(limits.batch).nullish(),
          query: z.string().min(1).max(limits.queryChars).nullish(),
        }),
        response: { 200: forgotten },
      },
    },
    async (request) => {
      const { keys, query, ...body } = request.body
      const by = await memoryWriter(request, context)
      const asked = { ...searchOf(body), keys: keys ?? undefined, query: query ?? undefined }
      return forgottenJson(await memory.forget(asked, by))
    },
  )

  app.get(
    '/v1/memory/:namespace/:key',
    { schema: { tags, summary: 'One memory', params: place, response: { 200: memoryItem } } },
    async (request) => {
      const { namespace, key } = request.params
      const item = await memory.get(request.caller.tenant, namespace, key)
      if (item) return memoryJson(item)
      throw notFound(namespace, key)
    },
  )

  app.delete(
    '/v1/memory/:namespace/:key',
    { schema: { tags, summary: 'Forget one memory', params: place, response: { 200: forgotten } } },
    async (request) => {
      const { namespace, key } = request.params
      const by = await memoryWriter(request, context)
      const result = await memory.forget({ namespace, keys: [key] }, by)
      if (result.forgotten === 0 && result.warnings.length === 0) throw notFound(namespace, key)
      return forgottenJson(result)
    },
  )
}

function forgottenJson({ forgotten: count, keys, warnings }: Awaited<ReturnType<GatewayContext['memory']['forget']>>) {
  return { forgotten: count, keys: [...keys], warnings: [...warnings] }
}

function notFound(namespace: string, key: string): Failure {
  return new Failure('MEMORY_NOT_FOUND', `There is no memory \`${key}\` in the namespace \`${namespace}\`.`)
}
