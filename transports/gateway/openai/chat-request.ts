import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { ClientTool } from '../../../actors/session/protocol.ts'
import { content, readContent, textOf } from './content-part.ts'
import type { GivenMessage } from './turn-input.ts'

/** Fields that are not named here are let through unread: sampling hints that the model behind may not know. */
const message = z.discriminatedUnion('role', [
  z.looseObject({ role: z.enum(['system', 'developer', 'user']), content }),
  z.looseObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    tool_calls: z
      .array(
        z.looseObject({
          id: z.string(),
          type: z.string().optional(),
          function: z.looseObject({ name: z.string(), arguments: z.string() }),
        }),
      )
      .nullish(),
  }),
  z.looseObject({ role: z.literal('tool'), tool_call_id: z.string(), content }),
])

export const chatRequest = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z.array(message).min(1).max(10_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  n: z.int().nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        function: z
          .looseObject({
            name: z.string().min(1).max(64),
            description: z.string().nullish(),
            parameters: z.record(z.string(), z.unknown()).nullish(),
          })
          .optional(),
      }),
    )
    .max(128)
    .nullish(),
  tool_choice: z.unknown().optional(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})

export type ChatRequest = z.infer<typeof chatRequest>

/** What would change the answer and cannot be honoured is refused: an answer that quietly ignores it is worse. */
export function refuseUnsupported(body: Readonly<Record<string, unknown>>): void {
  const refused = (field: string, why: string) => {
    throw new Failure('INVALID_REQUEST', `\`${field}\`: ${why}`, { errors: [{ path: `body/${field}`, message: why }] })
  }
  if (typeof body.n === 'number' && body.n !== 1) refused('n', 'a session has one answer.')
  if (body.logprobs === true) refused('logprobs', 'log probabilities are not available.')
  if (Array.isArray(body.stop) ? body.stop.length > 0 : body.stop != null) {
    refused('stop', 'stop sequences are not available.')
  }
  const format = (body.response_format as { type?: unknown } | null | undefined)?.type
  if (format !== undefined && format !== 'text') refused('response_format', 'only text is available.')
  const choice = body.tool_choice
  if (choice != null && choice !== 'auto' && choice !== 'none') {
    refused('tool_choice', 'only auto and none are available.')
  }
  if (body.functions != null) refused('functions', 'use `tools`.')
}

export function chatHistory(messages: ChatRequest['messages']): GivenMessage[] {
  return messages.map((one, index): GivenMessage => {
    const path = `body/messages/${index}/content`
    switch (one.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: textOf(one.content, path, 'a system message') }
      case 'user': {
        const { text, files } = readContent(one.content, path)
        return { role: 'user', content: text, files }
      }
      case 'tool':
        return { role: 'tool', toolCallId: one.tool_call_id, content: textOf(one.content, path, 'a tool message') }
      case 'assistant': {
        const toolCalls = one.tool_calls?.map((call) => ({
          id: call.id,
          name: call.function.name,
          arguments: call.function.arguments,
        }))
        return {
          role: 'assistant',
          content: one.content == null ? '' : textOf(one.content, path, 'an assistant message'),
          ...(toolCalls === undefined || toolCalls.length === 0 ? {} : { toolCalls }),
        }
      }
      default:
        throw new Failure('INVALID_REQUEST', `${path} has an unknown role.`)
    }
  })
}

export function clientTools(body: Pick<ChatRequest, 'tools' | 'tool_choice'>): ClientTool[] | undefined {
  if (!body.tools?.length || body.tool_choice === 'none') return undefined
  return body.tools.map((one, index) => {
    if (one.type !== 'function' || !one.function) {
      throw new Failure('INVALID_REQUEST', `body/tools/${index}: only tools of type \`function\` are taken.`)
    }
    const { name, description, parameters } = one.function
    return { name, description: description ?? '', parameters: parameters ?? { type: 'object', properties: {} } }
  })
}
