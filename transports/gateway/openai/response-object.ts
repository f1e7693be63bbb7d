import type { ConversationEvent } from '../../outbound.ts'
import { undashed } from '../session-id.ts'
import { conversationIdOf, responseIdOf } from './response-id.ts'
import { failureOfTurn, toolCallsOf, usageOf } from './turn-outcome.ts'

/** A turn as a Response of the OpenAI API. */

export interface ResponseFrame {
  readonly sessionId: string
  readonly turnId: string
  readonly model: string
  readonly createdAt: number
  readonly instructions: string | null
  readonly previousId: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tools: readonly unknown[]
}

export interface OutputText {
  readonly type: 'output_text'
  readonly text: string
  readonly annotations: readonly never[]
}

export type OutputItem =
  | {
      readonly type: 'message'
      readonly id: string
      readonly status: 'in_progress' | 'completed' | 'incomplete'
      readonly role: 'assistant'
      readonly content: readonly OutputText[]
    }
  | {
      readonly type: 'function_call'
      readonly id: string
      readonly status: 'completed'
      readonly call_id: string
      readonly name: string
      readonly arguments: string
    }

export function outputText(text: string): OutputText {
  return { type: 'output_text', text, annotations: [] }
}

export function messageItem(frame: ResponseFrame, text: string): OutputItem {
  const id = `msg_${undashed(frame.turnId)}`
  return { type: 'message', id, status: 'completed', role: 'assistant', content: [outputText(text)] }
}

export function callItems(frame: ResponseFrame, final: ConversationEvent): OutputItem[] {
  return (toolCallsOf(final) ?? []).map((call, index) => ({
    type: 'function_call',
    id: `fc_${undashed(frame.turnId)}_${index}`,
    status: 'completed',
    call_id: call.id,
    name: call.function.name,
    arguments: call.function.arguments,
  }))
}

export function outputOf(frame: ResponseFrame, final: ConversationEvent, text: string): OutputItem[] {
  const calls = callItems(frame, final)
  return text === '' && calls.length > 0 ? calls : [messageItem(frame, text), ...calls]
}

export function responseInProgress(frame: ResponseFrame) {
  return { ...common(frame), status: 'in_progress', error: null, incomplete_details: null, output: [], usage: null }
}

export function responseEnded(frame: ResponseFrame, final: ConversationEvent, output: readonly OutputItem[]) {
  const failure = failureOfTurn(final)
  const cut = incompleteReason(final)
  const usage = usageOf(final)
  return {
    ...common(frame),
    // Of the journal, so that the answer now and the same response read again name the same one.
    model: typeof final.metadata.model === 'string' ? final.metadata.model : frame.model,
    status: failure ? 'failed' : cut ? 'incomplete' : 'completed',
    error: failure
      ? { code: failure.code, message: failure.code === 'INTERNAL' ? 'The turn failed.' : failure.detail }
      : null,
    incomplete_details: !failure && cut ? { reason: cut } : null,
    output: [...output],
    usage: {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.total_tokens,
    },
  }
}

function incompleteReason(final: ConversationEvent): string | undefined {
  if (final.metadata.outcome === 'stopped') return 'stopped'
  const reason = final.metadata.finish_reason
  if (reason === 'length') return 'max_output_tokens'
  return reason === 'content_filter' ? 'content_filter' : undefined
}

function common(frame: ResponseFrame) {
  return {
    id: responseIdOf(frame.sessionId, frame.turnId),
    object: 'response',
    created_at: frame.createdAt,
    model: frame.model,
    instructions: frame.instructions,
    previous_response_id: frame.previousId,
    conversation: { id: conversationIdOf(frame.sessionId) },
    metadata: frame.metadata,
    tools: frame.tools,
    tool_choice: 'auto',
    parallel_tool_calls: true,
    temperature: null,
    top_p: null,
    max_output_tokens: null,
    truncation: 'disabled',
    text: { format: { type: 'text' } },
    store: true,
  }
}
