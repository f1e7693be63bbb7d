import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ConversationEvent } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { headerMetadata, headerOf } from '../request-headers.ts'
import { undashed } from '../session-id.ts'
import { type ChatRequest, chatHistory, chatRequest, clientTools, refuseUnsupported } from './chat-request.ts'
import { ChatStream, type ChunkHead } from './chat-stream.ts'
import { chooseModel } from './model-name.ts'
import { runTurn, type UserTurn } from './run-turn.ts'
import { turnInput } from './turn-input.ts'
import { toolCallsOf, usageOf } from './turn-outcome.ts'

/** One chat completion is one turn of a durable session: an unmodified OpenAI client gets what this service promises. */
export function chatCompletionRoutes(app: App, context: GatewayContext): void {
  app.post(
    '/v1/chat/completions',
    {
      config: { errors: 'openai' },
      schema: {
        tags: ['openai'],
        summary: 'OpenAI chat completions, each a turn of a session (metadata.session_id or X-Session-Id)',
        body: chatRequest,
        response: { 200: z.looseObject({ id: z.string(), object: z.string(), choices: z.array(z.unknown()) }) },
      },
    },
    async (request, reply) => {
      const { body } = request
      refuseUnsupported(body)
      const chosen = chooseModel(context, body.model)
      const session = sessionOf(request, body)
      const turn = turnOf(request, body, chosen, session === undefined)
      if (body.stream) context.streams.checkRoom(request.caller.tenant)
      const ticket = await context.door.ticket(request, session, turn)
      const command: UserTurn = { ...turn, turnId: ticket.envelopeId }
      const head: ChunkHead = {
        id: `chatcmpl-${undashed(ticket.envelopeId)}`,
        created: Math.floor(context.clock.now() / 1000),
        model: body.model,
      }
      const withUsage = body.stream_options?.include_usage === true
      const stream = body.stream ? new ChatStream(context, request, reply, head, withUsage) : undefined
      const answer = await runTurn(context, request, reply, ticket, command, stream)
      return answer ? completion(head, answer.final, answer.text) : reply
    },
  )
}

function sessionOf(request: FastifyRequest, body: ChatRequest): string | undefined {
  const named = body.metadata?.session_id
  return typeof named === 'string' && named !== '' ? named : headerOf(request, 'x-session-id')
}

/** All of the turn that can be refused for itself, before it takes its place in the session's queue. */
function turnOf(
  request: FastifyRequest,
  body: ChatRequest,
  chosen: { readonly model?: string; readonly personaId?: string },
  unnamed: boolean,
): Omit<UserTurn, 'turnId'> {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  const tools = clientTools(body)
  const persona = chosen.personaId ?? headerOf(request, 'x-persona-id')
  const { session_id: _session, ...metadata } = body.metadata ?? {}
  return {
    kind: 'AcceptUserTurn',
    v: 1,
    attachments: [],
    metadata: { ...metadata, ...headerMetadata(request) },
    ...turnInput(chatHistory(body.messages), { field: 'messages', unnamed }),
    ...(persona === undefined ? {} : { personaId: persona }),
    ...(chosen.model === undefined ? {} : { model: chosen.model }),
    ...(body.temperature == null ? {} : { temperature: body.temperature }),
    ...(maxTokens == null ? {} : { maxTokens }),
    ...(tools === undefined ? {} : { clientTools: tools }),
  }
}

function completion(head: ChunkHead, final: ConversationEvent, text: string) {
  const calls = toolCallsOf(final)
  const message = {
    role: 'assistant',
    content: text === '' && calls ? null : text,
    refusal: null,
    ...(calls ? { tool_calls: calls } : {}),
  }
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: final.metadata.finish_reason ?? 'stop' }],
    usage: usageOf(final),
  }
}
