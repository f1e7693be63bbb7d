import type { ModelChoice, ModelChunk, ModelRequest } from '../transports/model/client.ts'
import type { Outbound } from '../transports/outbound.ts'
import type { ActorContext, ActorRecipe } from './kernel/actor.ts'
import { asFailure, Failure } from './kernel/failure.ts'
import type { CallId, ModelReply } from './session/commands.ts'
import type { FinishReason, TokenUsage } from './session/events.ts'

/**
 * ⑤ One streaming call to a model: a temporary child of its session, so that the session's mailbox never waits.
 * Stopping the child aborts the call. What it streams is shown as previews and kept in `shown` for the session, which
 * journals it when the call is interrupted; only `reply` or `failed` ends up in the journal, told to the session once.
 */
export interface ModelCall {
  readonly id: CallId
  readonly sessionId: string
  readonly choice: ModelChoice
  readonly request: ModelRequest
  /** Throws BUDGET_EXCEEDED when the tenant's or persona's day is spent. */
  readonly checkBudget: () => Promise<void>
  /** Brings in what the request only names: attachments. */
  readonly complete?: (request: ModelRequest) => Promise<ModelRequest>
  readonly reply: (reply: ModelReply) => void
  readonly failed: (failure: Failure) => void
  /** Nobody wants the answer any more. */
  readonly stopped?: () => void
}

/** Text and calls that a model may write in one answer; beyond it the answer is garbled, not an ever-growing buffer (I9). */
const MAX_ANSWER_CHARACTERS = 1_000_000

export interface LiveCall {
  readonly id: CallId
  /** Text previewed so far. */
  shown: string
}

export function modelCallRecipe(call: ModelCall, live: LiveCall, outbound: Outbound): ActorRecipe<never, void> {
  return {
    type: 'model-call',
    capacity: 1,
    start(context) {
      // Not awaited: an actor that is starting cannot be told to stop, and this may take minutes.
      void run(call, live, outbound, context)
    },
    receive() {},
  }
}

async function run(call: ModelCall, live: LiveCall, outbound: Outbound, context: ActorContext<never>): Promise<void> {
  const { signal } = context
  const answer = new Answer()
  try {
    await call.checkBudget()
    const request = (await call.complete?.(call.request)) ?? call.request
    let index = 0
    for await (const chunk of call.choice.client.stream(request, signal)) {
      if (signal.aborted) return call.stopped?.()
      answer.add(chunk)
      if (chunk.kind !== 'text' || chunk.delta === '') continue
      live.shown = answer.text
      outbound.preview({ sessionId: call.sessionId, ...call.id, index: index++, delta: chunk.delta, text: answer.text })
    }
    if (signal.aborted) return call.stopped?.()
    call.reply(answer.reply(call.choice))
  } catch (error) {
    if (signal.aborted) call.stopped?.()
    else call.failed(asFailure(error))
  } finally {
    context.stopSelf()
  }
}

/** Gathers chunks into one answer. */
export class Answer {
  text = ''
  readonly #calls = new Map<number, { id: string; name: string; arguments: string }>()
  #usage: TokenUsage = { promptTokens: 0, completionTokens: 0, costMicros: 0 }
  #finish: FinishReason = 'stop'
  #size = 0

  add(chunk: ModelChunk): void {
    switch (chunk.kind) {
      case 'text':
        this.text += chunk.delta
        this.#grow(chunk.delta.length)
        return
      case 'tool-call': {
        const call = this.#calls.get(chunk.index) ?? { id: '', name: '', arguments: '' }
        call.id ||= chunk.id ?? ''
        call.name ||= chunk.name ?? ''
        call.arguments += chunk.argumentsDelta
        this.#calls.set(chunk.index, call)
        this.#grow(chunk.argumentsDelta.length)
        return
      }
      case 'usage':
        this.#usage = { promptTokens: chunk.promptTokens, completionTokens: chunk.completionTokens, costMicros: 0 }
        return
      case 'finish':
        this.#finish = chunk.reason
    }
  }

  #grow(characters: number): void {
    this.#size += characters
    if (this.#size > MAX_ANSWER_CHARACTERS) {
      throw new Failure('MODEL_GARBLED', `the answer exceeds ${MAX_ANSWER_CHARACTERS} characters`)
    }
  }

  reply(choice: ModelChoice): ModelReply {
    const { promptTokens, completionTokens } = this.#usage
    // Prices are micro-dollars per million tokens.
    const costMicros = Math.round((promptTokens * choice.promptPrice + completionTokens * choice.completionPrice) / 1e6)
    return {
      text: this.text,
      calls: [...this.#calls].sort(([a], [b]) => a - b).map(([, call]) => call),
      finishReason: this.#finish,
      model: choice.model,
      usage: { promptTokens, completionTokens, costMicros },
    }
  }
}
