import { z } from 'zod'
import { requireScope } from '../auth.ts'
import type { DryRunReport, DryRunSide } from '../dry-runs.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { injection, messageOf } from '../injection.ts'
import { conversationEvent, sessionParams } from '../schemas.ts'
import { sessionIdOf } from '../session-id.ts'

const limits = z
  .object({
    steps: z.int().min(1).max(50).default(10),
    tokens: z.int().min(1).max(1_000_000).default(50_000),
    seconds: z.int().min(1).max(300).default(60),
  })
  .describe('Of each of the two runs')

const usage = z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), cost_usd: z.number() })

const side = z.object({
  source: z.enum(['journal', 'run']),
  ended: z.enum(['final', 'idle', 'paused', 'steps', 'tokens', 'seconds', 'cancelled']),
  outcome: z.string().nullable(),
  final_text: z.string().nullable(),
  tool_calls: z.array(
    z.object({
      tool: z.string(),
      args: z.unknown(),
      status: z.string().nullable(),
      output: z.string().nullable(),
      from: z.enum(['real', 'recorded', 'simulated', 'refused']),
      decision: z.object({ allow: z.boolean(), reason: z.string(), policy: z.string() }).nullable(),
    }),
  ),
  model_calls: z.int(),
  usage,
  events: z.array(conversationEvent),
})

const report = z.object({
  session_id: z.string(),
  at: z.int(),
  head: z.int(),
  limits: z.object({ steps: z.int(), tokens: z.int(), seconds: z.int() }),
  booked: z.literal(false).describe('Model calls of a dry run cost what they cost, and are booked on no budget'),
  baseline: side,
  fork: side,
  difference: z.object({
    changed: z.boolean(),
    text: z.array(z.object({ op: z.enum(['=', '-', '+']), line: z.string() })),
    calls_only_in_baseline: z.array(z.string()),
    calls_only_in_fork: z.array(z.string()),
    tokens: z.int(),
    cost_usd: z.number(),
  }),
})

/** What would happen if (scope admin). The session itself is not touched. */
export function dryRunRoutes(app: App, { door, dryRuns, config }: GatewayContext): void {
  const { messageChars } = config.limits
  app.post(
    '/v1/sessions/:id/dry-run',
    {
      schema: {
        tags: ['inspection'],
        summary: 'Run a fork of the session with an injected message, and compare; touches nothing (scope admin)',
        params: sessionParams,
        body: z
          .object({
            inject: injection(messageChars).optional(),
            message: z
              .string()
              .min(1)
              .max(messageChars)
              .optional()
              .describe('Words of the user that follow, in both runs'),
            at: z.int().min(0).optional().describe('Fork after this event; the newest by default'),
            limits: limits.prefault({}),
          })
          .refine(
            ({ inject, message }) => inject !== undefined || message !== undefined,
            'inject or message is needed',
          ),
        response: { 200: report },
      },
    },
    async (request) => {
      const { caller, params, body, raw } = request
      requireScope(caller, 'admin')
      const sessionId = sessionIdOf(caller.tenant, params.id)
      await door.require(caller, sessionId)
      const { inject, message, at } = body
      if (inject?.role === 'control' && inject.command === 'persona') door.checkPersona(inject.persona_id)
      // Nobody waits for the answer any more: what is left of it would only cost money.
      const gone = new AbortController()
      const leave = () => gone.abort()
      raw.socket.once('close', leave)
      const asked = {
        sessionId,
        by: caller.subject ?? 'operator',
        why: inject?.why ?? 'dry run',
        limits: body.limits,
        ...(inject && { inject: messageOf(inject) }),
        ...(message !== undefined && { message }),
        ...(at !== undefined && { at }),
      }
      try {
        return reportJson(await dryRuns.run(asked, gone.signal))
      } finally {
        raw.socket.off('close', leave)
      }
    },
  )
}

function reportJson({ sessionId, at, head, limits, baseline, fork, difference }: DryRunReport): z.infer<typeof report> {
  return {
    session_id: sessionId,
    at,
    head,
    limits: { ...limits },
    booked: false,
    baseline: sideJson(baseline),
    fork: sideJson(fork),
    difference: {
      changed: difference.changed,
      text: difference.text.map((line) => ({ ...line })),
      calls_only_in_baseline: [...difference.callsOnlyInBaseline],
      calls_only_in_fork: [...difference.callsOnlyInFork],
      tokens: difference.tokens,
      cost_usd: difference.costMicros / 1e6,
    },
  }
}

function sideJson({ source, ended, outcome, finalText, toolCalls, modelCalls, usage, events }: DryRunSide) {
  return {
    source,
    ended,
    outcome: outcome ?? null,
    final_text: finalText ?? null,
    tool_calls: toolCalls.map(({ status, output, decision, ...call }) => ({
      ...call,
      status: status ?? null,
      output: output ?? null,
      decision: decision ?? null,
    })),
    model_calls: modelCalls,
    usage: {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      cost_usd: usage.costMicros / 1e6,
    },
    events: events.map((event) => ({ ...event, metadata: { ...event.metadata } })),
  }
}
