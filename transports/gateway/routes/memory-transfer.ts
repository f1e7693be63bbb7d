import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { asFailure, Failure } from '../../../actors/kernel/failure.ts'
import { memoryLimits as limits } from '../../../actors/memory/limits.ts'
import type { MemoryList } from '../../../actors/memory/memory.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { memoryWriter } from '../memory-caller.ts'
import {
  memoryItem,
  memoryJson,
  rememberBody,
  rememberedAnswer,
  rememberedJson,
  rememberingOf,
} from '../memory-shapes.ts'
import { memoryListQuery } from './memory.ts'

/** Memories by the hundred: in, out, and for operators. */
export function memoryTransferRoutes(app: App, context: GatewayContext): void {
  const { memory } = context
  const tags = ['memory']

  app.post(
    '/v1/memory/batch',
    {
      schema: {
        tags,
        summary: 'Remember many; each is answered for itself, in their order',
        body: z.object({ memories: z.array(rememberBody).min(1).max(limits.batch) }),
        response: {
          200: z.object({
            results: z.array(
              z.union([rememberedAnswer, z.object({ error: z.object({ code: z.string(), detail: z.string() }) })]),
            ),
          }),
        },
      },
    },
    async (request) => {
      const by = await memoryWriter(request, context)
      const results = await Promise.all(
        request.body.memories.map(async (one, index) => {
          try {
            const requestId = `${by.requestId}/${index}`
            return rememberedJson(await memory.remember(rememberingOf(one), { ...by, requestId }))
          } catch (error) {
            const { code, detail } = asFailure(error)
            // The same for every one of them: a client that is told so by its status tries again.
            if (code === 'POLICY_UNAVAILABLE' || code === 'INTERNAL') throw error
            return { error: { code, detail } }
          }
        }),
      )
      return { results }
    },
  )

  app.get(
    '/v1/memory/export',
    {
      schema: {
        tags,
        summary: 'All that is remembered, as lines of JSON; /v1/memory/batch reads them',
        querystring: memoryListQuery.omit({ limit: true, before: true }),
      },
    },
    async (request, reply) => {
      const lines = exported(memory, { ...request.query, tenant: request.caller.tenant, limit: limits.page })
      return reply.type('application/x-ndjson; charset=utf-8').send(Readable.from(lines))
    },
  )

  app.get(
    '/v1/admin/memory',
    {
      preHandler: async (request: FastifyRequest) => requireScope(request.caller, 'admin'),
      schema: {
        tags: ['admin'],
        summary: 'What a tenant remembers; another tenant than your own needs the scope admin:all',
        querystring: memoryListQuery.extend({ tenant: z.string().min(1).max(200).optional() }),
        response: {
          200: z.object({ tenant: z.string(), memories: z.array(memoryItem), next_cursor: z.string().nullable() }),
        },
      },
    },
    async (request) => {
      const { tenant = request.caller.tenant, ...query } = request.query
      if (tenant !== request.caller.tenant && !request.caller.scopes.has('admin:all')) {
        throw new Failure('FORBIDDEN', 'The memory of another tenant needs the scope `admin:all`.')
      }
      const { memories, next } = await memory.list({ ...query, tenant })
      return { tenant, memories: memories.map(memoryJson), next_cursor: next ?? null }
    },
  )
}

async function* exported(memory: GatewayContext['memory'], query: MemoryList): AsyncGenerator<string> {
  for (let before: string | undefined; ; ) {
    const { memories, next } = await memory.list({ ...query, before })
    for (const item of memories) yield `${JSON.stringify(memoryJson(item))}\n`
    if (next === undefined) return
    before = next
  }
}
