import { Failure } from '../../../actors/kernel/failure.ts'
import type { HistoryMessage, SessionCommand } from '../../../actors/session/protocol.ts'

export type TurnInput = Pick<
  Extract<SessionCommand, { kind: 'AcceptUserTurn' }>,
  'text' | 'history' | 'toolResults' | 'instructions'
>

/**
 * What an OpenAI client sends is a whole conversation; what a session takes is one turn. The turn is all that follows
 * the last assistant message: its user messages are the text, its tool messages the results that the client's tools
 * gave. System messages are instructions wherever they stand. What comes before is history: a new session is given it,
 * a session that exists has it already.
 */
export function turnInput(messages: readonly HistoryMessage[], instructions?: string): TurnInput {
  const spoken = messages.filter((message) => message.role !== 'system')
  const lastAnswer = spoken.findLastIndex((message) => message.role === 'assistant')
  const turn = spoken.slice(lastAnswer + 1)
  if (turn.length === 0) {
    throw new Failure('INVALID_REQUEST', 'After the last assistant message there is neither a user nor a tool message.')
  }
  const told = [instructions, ...messages.filter((message) => message.role === 'system').map(({ content }) => content)]
    .filter((text) => text !== undefined && text !== '')
    .join('\n\n')
  const results = turn.flatMap((message) =>
    message.role === 'tool' ? [{ toolCallId: message.toolCallId, content: message.content }] : [],
  )
  const history = spoken.slice(0, lastAnswer + 1)
  return {
    text: turn.flatMap((message) => (message.role === 'user' ? [message.content] : [])).join('\n\n'),
    ...(history.length === 0 ? {} : { history }),
    ...(results.length === 0 ? {} : { toolResults: results }),
    ...(told === '' ? {} : { instructions: told }),
  }
}
