import { Failure } from '../../../actors/kernel/failure.ts'
import { dashed, isUuid, undashed } from '../session-id.ts'

const RESPONSE = /^resp_([0-9a-f]{32})([0-9a-f]{32})$/
const CONVERSATION = /^conv_([0-9a-f]{32})$/

/** A response id holds its session and turn, so any gateway finds it without a table. */
export function responseIdOf(sessionId: string, turnId: string): string {
  return `resp_${undashed(sessionId)}${undashed(turnId)}`
}

export function parseResponseId(id: string): { readonly sessionId: string; readonly turnId: string } {
  const [, session, turn] = RESPONSE.exec(id) ?? []
  if (session === undefined || turn === undefined) {
    throw new Failure('TURN_NOT_FOUND', `\`${id.slice(0, 100)}\` is not a response of this service.`)
  }
  return { sessionId: dashed(session), turnId: dashed(turn) }
}

export function conversationIdOf(sessionId: string): string {
  return `conv_${undashed(sessionId)}`
}

/** Ours, a UUID, or any name that the client chose for its session. */
export function sessionOfConversation(conversation: string): string {
  const hex = CONVERSATION.exec(conversation)?.[1]
  return hex === undefined || isUuid(conversation) ? conversation : dashed(hex)
}
