import { z } from 'zod'
import type { SessionRecord } from '../../../persistence/journal.ts'
import { parseCursor } from '../cursor.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { conversationEvent, historyMessage, iso, sessionParams, timestamp } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'

const session = z.object({
  session_id: z.string(),
  tenant: z.string(),
  persona_id: z.string(),
  title: z.string().nullable(),
  state: z.enum(['idle', 'running', 'paused', 'quarantined', 'deleted']),
  subject: z.string().nullable(),
  issuer: z.string().nullable(),
  scope: z.string().nullable(),
  /** Of a session that does a task for another (docs/DELEGATION.md). */
  parent_session_id: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_at: timestamp,
  updated_at: timestamp,
})

const usage = z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), cost_usd: z.number() })

const pageOf = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual)

/** What can be read of sessions. Nothing here changes one. */
export function sessionRoutes(app: App, { door, records, reader, usage: spending, clock }: GatewayContext): void {
  app.get(
    '/v1/sessions',
    {
      schema: {
        tags: ['sessions'],
        summary: 'Your sessions, newest first',
        querystring: z.object({
          limit: pageOf(200, 50),
          before: z.string().max(200).optional(),
          search: z.string().max(200).optional(),
          state: z.enum(['idle', 'running', 'paused', 'quarantined']).optional(),
        }),
        response: { 200: z.object({ sessions: z.array(session), next_cursor: z.string().nullable() }) },
      },
    },
    async ({ caller, query }) => {
      const { limit, before, search, state } = query
      const page = await records.list({
        tenant: caller.tenant,
        limit,
        ...(before === undefined ? {} : { before }),
        ...(search === undefined ? {} : { search }),
        ...(state === undefined ? {} : { state }),
      })
      return { sessions: page.records.map(sessionJson), next_cursor: page.next ?? null }
    },
  )

  app.get(
    '/v1/sessions/:id',
    {
      schema: {
        tags: ['sessions'],
        summary: 'One session: its record, what runs and waits, what it used',
        params: sessionParams,
        response: {
          200: session.extend({
            head: z.int(),
            paused: z.boolean(),
            running_turn_id: z.string().nullable(),
            queued_turn_ids: z.array(z.string()),
            usage,
          }),
        },
      },
    },
    async ({ caller, params }) => {
      const id = sessionIdOf(caller.tenant, params.id)
      const record = await door.record(caller, id)
      const view = await reader.view(id)
      return {
        ...sessionJson(record),
        head: view.seq,
        paused: view.paused,
        running_turn_id: view.runningTurnId ?? null,
        queued_turn_ids: [...view.queuedTurnIds],
        usage: {
          prompt_tokens: view.usage.promptTokens,
          completion_tokens: view.usage.completionTokens,
          cost_usd: view.usage.costMicros / 1e6,
        },
      }
    },
  )

  app.get(
    '/v1/sessions/:id/events',
    {
      schema: {
        tags: ['sessions'],
        summary: 'The session’s journal, a page at a time',
        params: sessionParams,
        querystring: z.object({ after: z.string().max(100).optional(), limit: pageOf(500, 100) }),
        response: {
          200: z.object({
            session_id: z.string(),
            events: z.array(z.object({ id: z.int(), occurred_at: timestamp, payload: conversationEvent })),
            next_cursor: z.int().nullable(),
          }),
        },
      },
    },
    async ({ caller, params, query }) => {
      const id = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, id)
      const page = await reader.events(id, parseCursor(query.after), query.limit)
      return {
        session_id: id,
        events: page.map(({ seq, at, event }) => ({ id: seq, occurred_at: iso(at), payload: { ...event } })),
        next_cursor: page.length === query.limit ? (page.at(-1)?.seq ?? null) : null,
      }
    },
  )

  app.get(
    '/v1/sessions/:id/history',
    {
      schema: {
        tags: ['sessions'],
        summary: 'The conversation as the person sees it',
        params: sessionParams,
        querystring: z.object({
          from: z.coerce.number().int().min(0).default(0),
          to: z.coerce.number().int().min(0).optional(),
        }),
        response: {
          200: z.object({
            session_id: z.string(),
            messages: z.int(),
            /** The model is told `summary` in place of the first `messages`; they are all here all the same. */
            condensed: z.object({ messages: z.int(), summary: z.string(), model: z.string() }).nullable(),
            history: z.array(z.unknown()),
            log: z.string(),
          }),
        },
      },
    },
    async ({ caller, params, query }) => {
      const id = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, id)
      const { history: all, condensed } = await reader.view(id)
      const history = all.slice(query.from, query.to)
      return {
        session_id: id,
        messages: all.length,
        condensed: condensed ?? null,
        history: history.map(({ at, turnId, ...message }) => ({
          ...message,
          at: iso(at),
          ...(turnId === undefined ? {} : { turn_id: turnId }),
        })),
        log: history.map((message) => `${message.role}: ${message.content}`).join('\n'),
      }
    },
  )

  app.get(
    '/v1/sessions/:id/context-window',
    {
      schema: {
        tags: ['sessions'],
        summary: 'The conversation as the model would see it now',
        params: sessionParams,
        response: {
          200: z.object({
            session_id: z.string(),
            messages: z.array(historyMessage),
            tokens: z.int(),
            limit: z.int(),
            content: z.string(),
          }),
        },
      },
    },
    async ({ caller, params }) => {
      const id = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, id)
      const { messages, tokens, limit } = (await reader.view(id)).contextWindow
      return {
        session_id: id,
        messages: messages as z.infer<typeof historyMessage>[],
        tokens,
        limit,
        content: messages.map((message) => `${message.role}: ${message.content}`).join('\n\n'),
      }
    },
  )

  app.get(
    '/v1/usage',
    {
      schema: {
        tags: ['sessions'],
        summary: 'Tokens and cost of a UTC day',
        querystring: z.object({
          day: z
            .string()
            .regex(/^\d{8}$/)
            .optional(),
          persona_id: z.string().max(63).optional(),
        }),
        response: { 200: z.object({ day: z.string(), tokens: z.int(), cost_usd: z.number() }) },
      },
    },
    async ({ caller, query }) => {
      const day = query.day ?? iso(clock.now()).slice(0, 10).replaceAll('-', '')
      const { tokens, costMicros } = await spending.spent(caller.tenant, day, query.persona_id)
      return { day, tokens, cost_usd: costMicros / 1e6 }
    },
  )
}

function sessionJson(record: SessionRecord): z.infer<typeof session> {
  const { parent_session_id: parent } = record.metadata
  return {
    session_id: record.sessionId,
    tenant: record.tenant,
    persona_id: record.personaId,
    title: record.title ?? null,
    state: record.state,
    subject: record.subject ?? null,
    issuer: record.issuer ?? null,
    scope: record.scope ?? null,
    parent_session_id: typeof parent === 'string' ? parent : null,
    metadata: { ...record.metadata },
    created_at: iso(record.createdAt),
    updated_at: iso(record.updatedAt),
  }
}
