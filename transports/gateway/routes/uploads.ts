import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { Attachment } from '../../../persistence/attachments.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { sessionName, sessionParams } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'
import { attachmentJson, attachmentSchema } from '../uploads/attachment-json.ts'
import { parseRange } from '../uploads/byte-range.ts'
import { dispositionOf } from '../uploads/filename.ts'
import { quarantined } from '../uploads/named-attachments.ts'
import { takeUpload } from '../uploads/upload.ts'

const params = z.object({ id: z.string().max(100) })
const PAGE = 200

/** Files into sessions, and out again. A file belongs to its session's tenant; to any other it does not exist. */
export function uploadRoutes(app: App, context: GatewayContext): void {
  const { attachments, door } = context

  // In a room of its own, so that no other route takes multipart.
  app.register(async (room) => {
    // Loaded with the first upload route alone would be at the first request, which may not wait: it is 5 ms of a start.
    await room.register((await import('@fastify/multipart')).default)
    room.post(
      '/v1/uploads',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          tags: ['uploads'],
          summary: 'Put files into a session: multipart/form-data with session_id, then files',
          querystring: z.object({ session_id: sessionName.optional() }),
          response: { 200: z.array(attachmentSchema) },
        },
      },
      async (request) => {
        if (!request.isMultipart()) throw new Failure('UNSUPPORTED_MEDIA_TYPE', 'An upload is multipart/form-data.')
        return (await takeUpload(context, request)).map(attachmentJson)
      },
    )
  })

  app.get(
    '/v1/sessions/:id/attachments',
    {
      schema: {
        tags: ['uploads'],
        summary: 'The files of a session, oldest first',
        params: sessionParams,
        querystring: pageQuery,
        response: { 200: page },
      },
    },
    async ({ caller, params, query }) => {
      const sessionId = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, sessionId)
      const { tenant } = caller
      const found = await attachments.list({ tenant, sessionId, limit: query.limit, ...afterOf(query.after) })
      return pageOf(found, query.limit)
    },
  )

  app.get(
    '/v1/attachments/:id',
    { schema: { tags: ['uploads'], summary: 'A file’s bytes; 403 when it is quarantined', params } },
    async (request, reply) => download(request, reply, await mine(request, request.params.id)),
  )

  const admin = async (request: FastifyRequest) => requireScope(request.caller, 'admin')
  app.get(
    '/v1/admin/attachments',
    {
      preHandler: admin,
      schema: {
        tags: ['admin'],
        summary: 'The tenant’s files, such as those in quarantine',
        querystring: pageQuery.extend({ status: z.enum(['clean', 'quarantined']).optional() }),
        response: { 200: page },
      },
    },
    async ({ caller, query }) => {
      const { limit, status, after } = query
      const found = await attachments.list({
        tenant: caller.tenant,
        limit,
        ...(status && { status }),
        ...afterOf(after),
      })
      return pageOf(found, limit)
    },
  )

  for (const [verb, status] of [
    ['release', 'clean'],
    ['quarantine', 'quarantined'],
  ] as const) {
    app.post(
      `/v1/admin/attachments/:id/${verb}`,
      {
        preHandler: admin,
        schema: {
          tags: ['admin'],
          summary: verb === 'release' ? 'Let a quarantined file be read' : 'Put a file into quarantine',
          params,
          body: z.object({ why: z.string().min(1).max(1_000) }),
          response: { 200: attachmentSchema },
        },
      },
      async ({ caller, params, body }) => {
        const by = caller.subject ?? 'operator'
        const reason = status === 'quarantined' ? { reason: `operator: ${body.why}` } : {}
        const marked = await attachments.mark(caller.tenant, params.id, { status, by, ...reason })
        if (!marked) throw missing(params.id)
        context.log.info({ attachmentId: marked.id, status, by, why: body.why }, 'an operator decided on an attachment')
        return attachmentJson(marked)
      },
    )
  }

  app.delete(
    '/v1/admin/attachments/:id',
    {
      preHandler: admin,
      schema: {
        tags: ['admin'],
        summary: 'Delete a file',
        params,
        response: { 200: z.object({ status: z.literal('deleted') }) },
      },
    },
    async ({ caller, params }) => {
      if (!(await attachments.remove(caller.tenant, params.id))) throw missing(params.id)
      context.log.info({ attachmentId: params.id, by: caller.subject }, 'an operator deleted an attachment')
      return { status: 'deleted' as const }
    },
  )

  async function mine({ caller }: FastifyRequest, id: string): Promise<Attachment> {
    const found = await attachments.get(caller.tenant, id)
    if (!found) throw missing(id)
    if (found.status === 'quarantined') throw quarantined(found)
    return found
  }

  function download(request: FastifyRequest, reply: FastifyReply, found: Attachment): FastifyReply {
    const { id, tenant, size, sha256 } = found
    reply
      .header('content-type', found.mime)
      .header('content-disposition', dispositionOf(found.filename))
      // Whatever a browser thinks it is: it is shown in no page of ours and runs nothing.
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .header('cross-origin-resource-policy', 'same-origin')
      .header('cache-control', 'private, no-store')
      .header('accept-ranges', 'bytes')
      .header('etag', `"${sha256}"`)
    const range = parseRange(request.headers.range, size)
    if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${size}`).send()
    const { from, to } = range ?? { from: 0, to: size }
    if (range) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`)
    reply.header('content-length', to - from)
    if (request.method === 'HEAD') return reply.send()
    return reply.send(Readable.from(attachments.read(tenant, id, { from, to }), { objectMode: false }))
  }
}

const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE).default(PAGE),
  /** `next_cursor` of the page before. */
  after: z
    .string()
    .regex(/^\d{1,15}\|[0-9a-f-]{36}$/)
    .optional(),
})
const page = z.object({ attachments: z.array(attachmentSchema), next_cursor: z.string().nullable() })

function afterOf(cursor: string | undefined) {
  if (cursor === undefined) return {}
  const [createdAt = '0', id = ''] = cursor.split('|')
  return { after: { createdAt: Number(createdAt), id } }
}

function pageOf(found: readonly Attachment[], limit: number): z.infer<typeof page> {
  const last = found.at(-1)
  const more = last !== undefined && found.length === limit
  return { attachments: found.map(attachmentJson), next_cursor: more ? `${last.createdAt}|${last.id}` : null }
}

function missing(id: string): Failure {
  return new Failure('ATTACHMENT_NOT_FOUND', `There is no attachment ${id}.`)
}
