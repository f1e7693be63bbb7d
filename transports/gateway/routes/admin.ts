import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Address, isAddress, kindOf } from '../../../actors/kernel/address.ts'
import type { DeadLetter, QuarantineEntry } from '../../../actors/kernel/dead-letters.ts'
import { Failure } from '../../../actors/kernel/failure.ts'
import { requireScope } from '../auth.ts'
import { letterCursor } from '../cursor.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { iso } from '../schemas.ts'

const letterParams = z.object({ id: z.string().max(500) })
const addressParams = z.object({ address: z.string().max(250) })

/** For operators (scope admin). A token of one tenant shows that tenant's letters alone; `admin:all` shows all. */
export function adminRoutes(app: App, { operations, deadLetters, quarantine }: GatewayContext): void {
  const admin = async (request: FastifyRequest) => requireScope(request.caller, 'admin')
  const tags = ['admin']

  function within({ caller }: FastifyRequest): { tenant?: string } {
    return caller.scopes.has('admin:all') ? {} : { tenant: caller.tenant }
  }

  async function letterOf(request: FastifyRequest, id: string): Promise<DeadLetter> {
    const letter = await deadLetters.get(id)
    const { tenant } = within(request)
    if (letter && (tenant === undefined || letter.envelope.tenant === tenant)) return letter
    throw new Failure('DEAD_LETTER_NOT_FOUND', `There is no dead letter ${id}.`)
  }

  async function entryOf(request: FastifyRequest, address: string): Promise<QuarantineEntry> {
    const entry = namesActor(address) ? await quarantine.get(address) : undefined
    const { tenant } = within(request)
    if (entry && (tenant === undefined || entry.tenant === tenant)) return entry
    throw new Failure('NOT_QUARANTINED', `\`${address}\` is not quarantined.`)
  }

  async function replay(request: FastifyRequest, id: string, edited?: { readonly body: unknown }) {
    await letterOf(request, id)
    const envelope = await operations.replayDeadLetter(id, edited)
    if (!envelope) throw new Failure('DEAD_LETTER_NOT_FOUND', `There is no dead letter ${id} any more.`)
    return { status: 'replayed' as const, event_id: envelope.id, address: envelope.to }
  }

  app.get(
    '/v1/admin/tree',
    { preHandler: admin, schema: { tags, summary: 'The live supervision tree' } },
    async () => ({ tree: await operations.tree() }),
  )

  const letterQuery = z.object({
    limit: z.coerce.number().int().min(1).max(200).default(50),
    before: z.string().max(500).optional(),
    address: z.string().refine(namesActor, 'must be an address, kind:id').optional(),
  })
  app.get(
    '/v1/admin/dead-letters',
    {
      preHandler: admin,
      schema: { tags, summary: 'What could not be handled, with its cause', querystring: letterQuery },
    },
    async (request) => {
      const { limit, before, address } = request.query
      const letters = await deadLetters.list({
        ...within(request),
        limit,
        ...(before === undefined ? {} : { before: letterCursor(before) }),
        ...(address === undefined ? {} : { address: address as Address }),
      })
      return {
        dead_letters: letters.map(letterJson),
        next_cursor: letters.length === limit ? letters.at(-1)?.id : null,
      }
    },
  )

  app.get(
    '/v1/admin/dead-letters/:id',
    { preHandler: admin, schema: { tags, summary: 'One dead letter', params: letterParams } },
    async (request) => letterJson(await letterOf(request, request.params.id)),
  )

  app.post(
    '/v1/admin/dead-letters/:id/replay',
    {
      preHandler: admin,
      schema: {
        tags,
        summary: 'Send it again under a new id; with `body`, that instead of what it held',
        params: letterParams,
        body: z.object({ body: z.unknown().optional() }).nullish(),
      },
    },
    (request) => {
      const body = request.body?.body
      return replay(request, request.params.id, body === undefined ? undefined : { body })
    },
  )

  app.delete(
    '/v1/admin/dead-letters/:id',
    { preHandler: admin, schema: { tags, summary: 'Forget it', params: letterParams } },
    async (request) => {
      const { id } = await letterOf(request, request.params.id)
      await deadLetters.remove(id)
      return { status: 'removed', id }
    },
  )

  // The old stack's paths. Its queues were per topic; ours is one list, so the topic chooses by kind of address.
  app.get(
    '/v1/admin/dlq/:topic',
    {
      preHandler: admin,
      schema: { tags, summary: 'Dead letters of an old topic name', params: z.object({ topic: z.string().max(100) }) },
    },
    async (request) => {
      const kind = request.params.topic.startsWith('tool')
        ? 'tool'
        : request.params.topic.startsWith('memory')
          ? 'memory'
          : 'session'
      const letters = await deadLetters.list({ ...within(request), limit: 200 })
      const items = letters.filter((letter) => kindOf(letter.envelope.to) === kind).map(letterJson)
      return { topic: request.params.topic, items }
    },
  )
  app.post(
    '/v1/admin/dlq/:topic/:id/reprocess',
    {
      preHandler: admin,
      schema: { tags, summary: 'Replay, by its old name', params: letterParams.extend({ topic: z.string() }) },
    },
    (request) => replay(request, request.params.id),
  )

  app.get(
    '/v1/admin/quarantine',
    { preHandler: admin, schema: { tags, summary: 'Addresses that failed beyond mending' } },
    async (request) => ({ quarantine: (await quarantine.list(within(request).tenant)).map(entryJson) }),
  )

  app.get(
    '/v1/admin/quarantine/:address',
    { preHandler: admin, schema: { tags, summary: 'The cause, the suspect and all it holds', params: addressParams } },
    async (request) => {
      const entry = await entryOf(request, request.params.address)
      return { ...entryJson(entry), messages: await quarantine.held(entry.address) }
    },
  )

  app.post(
    '/v1/admin/quarantine/:address/resume',
    {
      preHandler: admin,
      schema: {
        tags,
        summary: 'Let it go on: retry, drop or edit the suspect',
        params: addressParams,
        body: z
          .discriminatedUnion('action', [
            z.object({ action: z.enum(['retry', 'drop']) }),
            z.object({ action: z.literal('edit'), body: z.unknown() }),
          ])
          .nullish(),
      },
    },
    async (request) => {
      const { address } = await entryOf(request, request.params.address)
      const body = request.body ?? { action: 'retry' as const }
      const resumed = await operations.resume(
        address,
        body.action === 'edit' ? { action: 'edit', body: body.body } : { action: body.action },
      )
      if (!resumed) throw new Failure('NOT_QUARANTINED', `\`${address}\` is not quarantined any more.`)
      return { status: 'resumed', address }
    },
  )
}

/** No database takes a NUL, so no actor is kept under one. */
function namesActor(text: string): text is Address {
  return isAddress(text) && !text.includes('\0')
}

function letterJson({ id, envelope, source, code, detail, retries, at }: DeadLetter) {
  return {
    id,
    code,
    // The old stack's names for a dead letter.
    original_event: envelope,
    source_topic: source,
    error_type: code,
    error_message: detail,
    retry_count: retries,
    timestamp: iso(at),
  }
}

function entryJson({ address, tenant, code, detail, suspect, since, held }: QuarantineEntry) {
  return { address, tenant, code, detail, suspect: suspect ?? null, since: iso(since), held }
}
