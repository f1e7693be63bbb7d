import type { ModelMessage, ModelRequest } from './client.ts'

/** What an endpoint turned out not to take; learned from its refusals, never configured. */
export interface Dialect {
  readonly usageOption: boolean
  readonly maxTokensName: 'max_tokens' | 'max_completion_tokens'
  readonly temperature: boolean
}

export const commonDialect: Dialect = { usageOption: true, maxTokensName: 'max_tokens', temperature: true }

/** The dialect to try next after a 4xx, or undefined when the refusal is about something else. Each step is taken once. */
export function adapted(dialect: Dialect, status: number, refusal: string): Dialect | undefined {
  if (status !== 400 && status !== 422) return undefined
  if (dialect.usageOption && /stream_options|include_usage/i.test(refusal)) return { ...dialect, usageOption: false }
  if (dialect.maxTokensName === 'max_tokens' && /max_completion_tokens/i.test(refusal)) {
    return { ...dialect, maxTokensName: 'max_completion_tokens' }
  }
  if (dialect.temperature && /unsupported.*temperature|temperature.*not support/is.test(refusal)) {
    return { ...dialect, temperature: false }
  }
  return undefined
}

/** The body of POST /chat/completions. Empty fields are left out: several servers refuse `tools: []`. */
export function chatBody(request: ModelRequest, model: string, dialect: Dialect): string {
  return JSON.stringify({
    model,
    messages: request.messages.map(wireMessage),
    ...(request.tools.length > 0 && {
      tools: request.tools.map((tool) => ({ type: 'function', function: tool })),
    }),
    ...(request.temperature !== undefined && dialect.temperature && { temperature: request.temperature }),
    ...(request.maxTokens !== undefined && { [dialect.maxTokensName]: request.maxTokens }),
    stream: true,
    ...(dialect.usageOption && { stream_options: { include_usage: true } }),
  })
}

function wireMessage(message: ModelMessage): object {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content: message.content }
  if (message.role === 'user' && message.images?.length) {
    const images = message.images.map(({ mime, base64 }) => ({
      type: 'image_url',
      image_url: { url: `data:${mime};base64,${base64}` },
    }))
    return { role: 'user', content: [{ type: 'text', text: message.content }, ...images] }
  }
  if (message.role !== 'assistant' || !message.toolCalls?.length)
    return { role: message.role, content: message.content }
  return {
    role: 'assistant',
    content: message.content === '' ? null : message.content,
    tool_calls: message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: readableArguments(call.arguments) },
    })),
  }
}

/**
 * Chat templates of llama.cpp and vLLM parse the arguments of earlier calls and answer 500 for ever when one is not a
 * JSON object. What the model wrote stays visible to it, inside an object.
 */
function readableArguments(text: string): string {
  if (text.trim() === '') return '{}'
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch {}
  return JSON.stringify({ unreadable_arguments: text })
}
