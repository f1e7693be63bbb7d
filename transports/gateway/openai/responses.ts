import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { ConversationEvent } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { enterTurn, namedSession } from './asked-turn.ts'
import { chooseModel } from './model-name.ts'
import { parseResponseId, sessionOfConversation } from './response-id.ts'
import { outputOf, type ResponseFrame, responseEnded, responseInProgress } from './response-object.ts'
import { ResponseStream } from './response-stream.ts'
import {
  functionTools,
  inputHistory,
  type ResponsesRequest,
  refuseUnsupportedResponse,
  responsesRequest,
} from './responses-request.ts'
import { runTurn } from './run-turn.ts'
import { TextFlow } from './text-flow.ts'
import { turnInput } from './turn-input.ts'

const PAGE = 500
const response = z.looseObject({ id: z.string(), object: z.string(), status: z.string(), output: z.array(z.unknown()) })

export function responseRoutes(app: App, context: GatewayContext): void {
  const { door, reader, clock } = context

  app.post(
    '/v1/responses',
    {
      config: { errors: 'openai' },
      bodyLimit: context.limits.openAiBodyBytes,
      onRequest: (request, reply) => context.heldBytes.beginBody(request, reply),
      schema: {
        tags: ['openai'],
        summary: 'OpenAI responses, each a turn of a session (previous_response_id or conversation)',
        body: responsesRequest,
        response: { 200: response },
      },
    },
    async (request, reply) => {
      const { body } = request
      refuseUnsupportedResponse(body)
      const chosen = chooseModel(context, body.model)
      const session = sessionOf(request, body)
      // A response id names a session that must be there; any other name may be a session's first.
      if (body.previous_response_id != null) await door.require(request.caller, session as string)
      if (body.stream) context.streams.checkRoom(request.caller.tenant)
      const { ticket, command } = await enterTurn(context, request, session, {
        metadata: body.metadata,
        chosen,
        input: turnInput(inputHistory(body.input), {
          field: 'input',
          unnamed: session === undefined,
          instructions: body.instructions ?? undefined,
        }),
        temperature: body.temperature,
        maxTokens: body.max_output_tokens,
        tools: functionTools(body),
      })
      const frame: ResponseFrame = {
        sessionId: ticket.sessionId,
        turnId: ticket.envelopeId,
        model: body.model,
        createdAt: Math.floor(clock.now() / 1000),
        instructions: body.instructions ?? null,
        previousId: body.previous_response_id ?? null,
        metadata: body.metadata ?? {},
        tools: body.tools ?? [],
      }
      const stream = body.stream ? new ResponseStream(context, request, reply, frame) : undefined
      const answer = await runTurn(context, request, reply, ticket, command, stream)
      return answer ? responseEnded(frame, answer.final, outputOf(frame, answer.final, answer.text)) : reply
    },
  )

  app.get(
    '/v1/responses/:id',
    {
      config: { errors: 'openai' },
      schema: {
        tags: ['openai'],
        summary: 'A response, from the session’s journal',
        params: z.object({ id: z.string().max(100) }),
        response: { 200: response },
      },
    },
    async ({ caller, params }) => {
      const { sessionId, turnId } = parseResponseId(params.id)
      await door.require(caller, sessionId)
      const turn = await readTurn(sessionId, turnId)
      const frame: ResponseFrame = {
        sessionId,
        turnId,
        model: turn.model,
        createdAt: Math.floor(turn.at / 1000),
        instructions: null,
        previousId: null,
        metadata: {},
        tools: [],
      }
      return turn.final
        ? responseEnded(frame, turn.final, outputOf(frame, turn.final, turn.text))
        : responseInProgress(frame)
    },
  )

  async function readTurn(sessionId: string, turnId: string) {
    const flow = new TextFlow()
    const turn = { at: 0, model: '', text: '', final: undefined as ConversationEvent | undefined }
    for (let after = 0; ; ) {
      const page = await reader.events(sessionId, after, PAGE)
      for (const { at, event } of page) {
        if (event.metadata.turn_id !== turnId) continue
        if (turn.at === 0) turn.at = at
        turn.text += flow.event(event)
        if (typeof event.metadata.model === 'string') turn.model = event.metadata.model
        if (event.type === 'assistant.final') return { ...turn, final: event }
      }
      if (page.length < PAGE) break
      after = page.at(-1)?.seq ?? after
    }
    if (turn.at === 0) throw new Failure('TURN_NOT_FOUND', `The session has no turn ${turnId}.`)
    return turn
  }
}

function sessionOf(request: FastifyRequest, body: ResponsesRequest): string | undefined {
  if (body.previous_response_id != null) return parseResponseId(body.previous_response_id).sessionId
  const { conversation } = body
  if (conversation != null)
    return sessionOfConversation(typeof conversation === 'string' ? conversation : conversation.id)
  return namedSession(request, body.metadata)
}
