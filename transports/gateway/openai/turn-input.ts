import { Failure } from '../../../actors/kernel/failure.ts'
import type { HistoryMessage, SessionCommand } from '../../../actors/session/protocol.ts'
import type { GivenFile } from './content-part.ts'

/** A message as the request has it: its files are not stored yet. */
export type GivenMessage = HistoryMessage & { readonly files?: readonly GivenFile[] }

export interface TurnInput
  extends Pick<Extract<SessionCommand, { kind: 'AcceptUserTurn' }>, 'text' | 'toolResults' | 'instructions'> {
  readonly files: readonly GivenFile[]
  readonly history: readonly GivenMessage[]
}

export interface InputOrigin {
  /** The body's field, for what is refused. */
  readonly field: 'messages' | 'input'
  /** The request names no session, so it brings all there is: no call waits elsewhere for a result. */
  readonly unnamed: boolean
  readonly instructions?: string | undefined
}

/**
 * What an OpenAI client sends is a whole conversation; what a session takes is one turn. The turn is all that follows
 * the last assistant message: its user messages are the text, its tool messages the results that the client's tools
 * gave. System messages are instructions wherever they stand. What comes before is history: a new session is given it,
 * a session that exists has it already. Files go the way of the message they came with (kept-files.ts).
 */
export function turnInput(messages: readonly GivenMessage[], about: InputOrigin): TurnInput {
  const { instructions } = about
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
  const text = turn.flatMap(({ role, content }) => (role === 'user' && content !== '' ? [content] : [])).join('\n\n')
  const files = turn.flatMap((message) => message.files ?? [])
  if (text === '' && results.length === 0 && files.length === 0) refuse(about.field, 'the message is empty.')
  if (about.unnamed) {
    const called = new Set(
      history.flatMap((message) => (message.role === 'assistant' ? message.toolCalls : [])?.map(({ id }) => id) ?? []),
    )
    const stray = results.find(({ toolCallId }) => !called.has(toolCallId))
    if (stray)
      refuse(
        about.field,
        `nothing here called \`${stray.toolCallId.slice(0, 100)}\`: give its call too, or its session.`,
      )
  }
  return {
    text,
    files,
    history,
    ...(results.length === 0 ? {} : { toolResults: results }),
    ...(told === '' ? {} : { instructions: told }),
  }
}

function refuse(field: string, why: string): never {
  throw new Failure('INVALID_REQUEST', `\`${field}\`: ${why}`, { errors: [{ path: `body/${field}`, message: why }] })
}
