import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { ClientTool } from '../../../actors/session/protocol.ts'
import { type Content, content, readContent, textOf } from './content-part.ts'
import type { GivenMessage } from './turn-input.ts'

const item = z.union([
  z.looseObject({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.looseObject({
    type: z.literal('function_call_output'),
    call_id: z.string(),
    output: content,
  }),
  z.looseObject({ type: z.literal('reasoning') }),
  z.looseObject({
    type: z.literal('message').optional(),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content,
  }),
])

export const responsesRequest = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.union([z.string().min(1), z.array(item).min(1).max(10_000)]),
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.union([z.string().min(1).max(128), z.looseObject({ id: z.string().min(1).max(128) })]).nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_output_tokens: z.int().positive().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        name: z.string().min(1).max(64).optional(),
        description: z.string().nullish(),
        parameters: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .max(128)
    .nullish(),
  tool_choice: z.unknown().optional(),
})

export type ResponsesRequest = z.infer<typeof responsesRequest>

export function refuseUnsupportedResponse(body: ResponsesRequest): void {
  const refused = (field: string, why: string) => {
    throw new Failure('INVALID_REQUEST', `\`${field}\`: ${why}`, { errors: [{ path: `body/${field}`, message: why }] })
  }
  if (body.background === true) refused('background', 'send it without, and read it again by its id: it is durable.')
  if (body.store === false) refused('store', 'every response is stored: it is a turn of a durable session.')
  const format = (body.text as { format?: { type?: unknown } } | null | undefined)?.format?.type
  if (format !== undefined && format !== 'text') refused('text.format', 'only text is available.')
  const choice = body.tool_choice
  if (choice != null && choice !== 'auto' && choice !== 'none') {
    refused('tool_choice', 'only auto and none are available.')
  }
  if (body.previous_response_id != null && body.conversation != null) {
    refused('conversation', 'give either `previous_response_id` or `conversation`.')
  }
}

/** Input items as the messages that a chat would have. */
export function inputHistory(input: ResponsesRequest['input']): GivenMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: GivenMessage[] = []
  for (const [index, one] of input.entries()) {
    const path = `body/input/${index}/content`
    if (one.type === 'reasoning') continue
    if (one.type === 'function_call') {
      const { call_id: id, name, arguments: args } = one as { call_id: string; name: string; arguments: string }
      addCall(messages, { id, name, arguments: args })
    } else if (one.type === 'function_call_output') {
      const { call_id, output } = one as { call_id: string; output: Content }
      const said = textOf(output, `body/input/${index}/output`, 'the output of a tool')
      messages.push({ role: 'tool', toolCallId: call_id, content: said })
    } else {
      const { role, content } = one as { role: string; content: Content }
      if (role === 'user') {
        const { text, files } = readContent(content, path)
        messages.push({ role, content: text, files })
      } else if (role === 'assistant') messages.push({ role, content: textOf(content, path, 'an assistant message') })
      else messages.push({ role: 'system', content: textOf(content, path, 'a system message') })
    }
  }
  return messages
}

/** Calls made side by side are items of their own here, and one assistant message in a chat. */
function addCall(messages: GivenMessage[], call: { id: string; name: string; arguments: string }): void {
  const last = messages.at(-1)
  if (last?.role === 'assistant') {
    messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] }
  } else {
    messages.push({ role: 'assistant', content: '', toolCalls: [call] })
  }
}

export function functionTools(body: ResponsesRequest): ClientTool[] | undefined {
  if (!body.tools?.length || body.tool_choice === 'none') return undefined
  return body.tools.map(({ type, name, description, parameters }, index) => {
    if (type !== 'function' || name === undefined) {
      throw new Failure('INVALID_REQUEST', `body/tools/${index}: only tools of type \`function\` are taken.`)
    }
    return { name, description: description ?? '', parameters: parameters ?? { type: 'object', properties: {} } }
  })
}
