import type { ModelMessage, ModelTool } from '../../transports/model/client.ts'

/**
 * A cheap estimate of tokens, for context limits and for endpoints that report no usage. The rule: four characters a
 * token, but one token for every character from U+2E80 on (CJK, kana, hangul, emoji halves), which tokenizers split
 * much finer; four tokens of framing a message. A real tokenizer is exact for one model family only, costs megabytes,
 * and for an unknown local model would be just as wrong.
 */
const CHARACTERS_PER_TOKEN = 4
const FRAMING = 4
const FIRST_WIDE = 0x2e80

export function estimateTokens(text: string): number {
  let wide = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= FIRST_WIDE) wide++
  return wide + Math.ceil((text.length - wide) / CHARACTERS_PER_TOKEN)
}

export function estimatePrompt(messages: readonly ModelMessage[], tools: readonly ModelTool[] = []): number {
  let tokens = 0
  for (const message of messages) tokens += messageTokens(message)
  for (const tool of tools) tokens += toolTokens(tool)
  return tokens
}

/** Messages of a history are the same objects at every step of it, and are counted once: a long one is counted at each. */
const knownMessages = new WeakMap<ModelMessage, number>()

export function messageTokens(message: ModelMessage): number {
  const known = knownMessages.get(message)
  if (known !== undefined) return known
  const tokens = countTokens(message)
  knownMessages.set(message, tokens)
  return tokens
}

function countTokens(message: ModelMessage): number {
  let tokens = FRAMING + estimateTokens(message.content)
  if (message.role === 'assistant') {
    for (const call of message.toolCalls ?? []) tokens += callTokens(call.name, call.arguments)
  }
  return tokens
}

export function callTokens(name: string, args: string): number {
  return FRAMING + estimateTokens(name) + estimateTokens(args)
}

/** Tools are the same objects at every call of a process, and turning a schema into text is the dear part. */
const knownTools = new WeakMap<object, number>()

function toolTokens(tool: ModelTool): number {
  const known = knownTools.get(tool.parameters)
  if (known !== undefined) return known
  const tokens = callTokens(tool.name, JSON.stringify(tool.parameters)) + estimateTokens(tool.description)
  knownTools.set(tool.parameters, tokens)
  return tokens
}
