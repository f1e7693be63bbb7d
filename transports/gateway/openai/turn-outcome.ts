import type { FastifyReply } from 'fastify'
import { Failure, type FailureCode, failures } from '../../../actors/kernel/failure.ts'
import type { ConversationEvent } from '../../outbound.ts'

/** What `assistant.final` says, in OpenAI's words. */

export interface OpenAiToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/** Calls of the client's own tools. `id` is the model's, which the client's answer names; `call_id` is the journal's. */
export function toolCallsOf(final: ConversationEvent): OpenAiToolCall[] | undefined {
  const calls = final.metadata.tool_calls
  if (!Array.isArray(calls) || calls.length === 0) return undefined
  return (calls as Record<string, unknown>[]).map((call) => ({
    id: String(call.id ?? call.call_id),
    type: 'function',
    function: {
      name: String(call.name),
      arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments ?? {}),
    },
  }))
}

export function usageOf(final: ConversationEvent) {
  const usage = (final.metadata.usage ?? {}) as Record<string, number>
  const prompt = usage.prompt_tokens ?? 0
  const completion = usage.completion_tokens ?? 0
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: usage.total_tokens ?? prompt + completion,
  }
}

export function failureOfTurn(final: ConversationEvent): Failure | undefined {
  if (final.metadata.outcome !== 'failed') return undefined
  const code = final.metadata.code
  const detail = String(final.metadata.detail ?? (final.message || 'The turn failed.'))
  const known = typeof code === 'string' && Object.hasOwn(failures, code) ? (code as FailureCode) : 'INTERNAL'
  return new Failure(known, detail)
}

/**
 * A failed turn is over and journaled. OpenAI clients repeat 429 and 5xx by themselves, which here would be a second
 * turn with the same words: they are told not to.
 */
export function refuseFailedTurn(final: ConversationEvent, reply: FastifyReply): void {
  const failure = failureOfTurn(final)
  if (!failure) return
  reply.header('x-should-retry', 'false')
  throw failure
}
