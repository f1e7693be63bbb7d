import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Failure } from '../../../actors/kernel/failure.ts'
import type { ConversationEvent } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import { problemOf } from '../problem.ts'
import { traceIdOf } from '../trace.ts'
import { openAiError } from './error.ts'
import { failureOfTurn, toolCallsOf, usageOf } from './turn-outcome.ts'
import { TurnStream } from './turn-stream.ts'

export interface ChunkHead {
  readonly id: string
  readonly created: number
  readonly model: string
}

/** A turn as chat.completion.chunk events. */
export class ChatStream extends TurnStream {
  readonly #head: object
  readonly #withUsage: boolean
  readonly #traceId: string

  constructor(
    context: GatewayContext,
    request: FastifyRequest,
    reply: FastifyReply,
    head: ChunkHead,
    withUsage: boolean,
  ) {
    super(context, request, reply)
    this.#withUsage = withUsage
    this.#traceId = traceIdOf(request)
    this.#head = { ...head, object: 'chat.completion.chunk' }
  }

  protected begin(): void {
    this.#choice({ role: 'assistant', content: '' }, null)
  }

  protected say(delta: string): void {
    this.#choice({ content: delta }, null)
  }

  protected finish(final: ConversationEvent): void {
    const failure = failureOfTurn(final)
    if (failure) {
      this.fail(failure)
      return
    }
    const calls = toolCallsOf(final)
    if (calls) this.#choice({ tool_calls: calls.map((call, index) => ({ index, ...call })) }, null)
    this.#choice({}, String(final.metadata.finish_reason ?? 'stop'))
    if (this.#withUsage) this.sse.send(JSON.stringify({ ...this.#head, choices: [], usage: usageOf(final) }))
    this.sse.send('[DONE]')
  }

  protected fail(failure: Failure): void {
    this.sse.send(JSON.stringify(openAiError(problemOf(failure, undefined, this.#traceId))))
  }

  #choice(delta: object, finishReason: string | null): void {
    const chunk = {
      ...this.#head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(this.#withUsage ? { usage: null } : {}),
    }
    this.sent(this.sse.send(JSON.stringify(chunk)))
  }
}
