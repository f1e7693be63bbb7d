import type { ModelMessage } from './client.ts'

/** What a stateless model can know: the conversation it is handed. */

export function lastUserText(messages: readonly ModelMessage[]): string {
  return messages.findLast(isSpoken)?.content ?? ''
}

/** Everything after the last user message: the steps of this turn so far. */
export function sinceLastUser(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  return messages.slice(messages.findLastIndex(isSpoken) + 1)
}

export function userTexts(messages: readonly ModelMessage[]): readonly string[] {
  return messages.filter(isSpoken).map((message) => message.content)
}

/** A turn that only brings the results of a client's tools has no words, and goes on with the turn before. */
function isSpoken(message: ModelMessage): boolean {
  return message.role === 'user' && message.content.trim() !== ''
}

/** Results of this turn's calls, each with the name of its tool. */
export function toolResults(messages: readonly ModelMessage[]): readonly { name: string; content: string }[] {
  const turn = sinceLastUser(messages)
  const names = new Map<string, string>()
  for (const message of turn) {
    if (message.role === 'assistant') for (const call of message.toolCalls ?? []) names.set(call.id, call.name)
  }
  return turn.flatMap((message) =>
    message.role === 'tool' ? [{ name: names.get(message.toolCallId) ?? 'tool', content: message.content }] : [],
  )
}
