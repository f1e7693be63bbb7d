import { z } from 'zod'
import type { ConversationEvent } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { undashed } from '../session-id.ts'
import { enterTurn, namedSession } from './asked-turn.ts'
import { chatHistory, chatRequest, clientTools, refuseUnsupported } from './chat-request.ts'
import { ChatStream, type ChunkHead } from './chat-stream.ts'
import { chooseModel } from './model-name.ts'
import { runTurn } from './run-turn.ts'
import { turnInput } from './turn-input.ts'
import { toolCallsOf, usageOf } from './turn-outcome.ts'

/** One chat completion is one turn of a durable session: an unmodified OpenAI client gets what this service promises. */
export function chatCompletionRoutes(app: App, context: GatewayContext): void {
  app.post(
    '/v1/chat/completions',
    {
      config: { errors: 'openai' },
      bodyLimit: context.limits.openAiBodyBytes,
      onRequest: (request, reply) => context.heldBytes.beginBody(request, reply),
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
      const session = namedSession(request, body.metadata)
      if (body.stream) context.streams.checkRoom(request.caller.tenant)
      const { ticket, command } = await enterTurn(context, request, session, {
        metadata: body.metadata,
        chosen,
        input: turnInput(chatHistory(body.messages), { field: 'messages', unnamed: session === undefined }),
        temperature: body.temperature,
        maxTokens: body.max_completion_tokens ?? body.max_tokens,
        tools: clientTools(body),
      })
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
