import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import type { ConversationEvent } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import type { Ticket } from '../session-door.ts'
import { watchTurn } from '../turn-watch.ts'
import { TextFlow } from './text-flow.ts'
import { refuseFailedTurn } from './turn-outcome.ts'
import type { TurnStream } from './turn-stream.ts'

export type UserTurn = Extract<SessionCommand, { kind: 'AcceptUserTurn' }>

/**
 * Sends a turn and stays for its answer: streamed, or as the whole text. The watch opens before the turn is sent, so
 * that an answer given at once is heard too.
 */
export async function runTurn<Stream extends TurnStream | undefined>(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  ticket: Ticket,
  command: UserTurn,
  stream: Stream,
): Promise<Stream extends TurnStream ? undefined : { final: ConversationEvent; text: string }> {
  reply.header('x-session-id', ticket.sessionId).header('x-turn-id', ticket.envelopeId)
  const { personaId, metadata } = command
  const flow = new TextFlow()
  let text = ''
  const collect = {
    event(event: ConversationEvent) {
      text += flow.event(event)
    },
  }
  const turn = { sessionId: ticket.sessionId, turnId: ticket.envelopeId }
  const watch = watchTurn(context, { ...turn, from: ticket.repeated ? 0 : 'live' }, stream ?? collect)
  try {
    await context.door.open(request, ticket, command, { metadata, ...(personaId === undefined ? {} : { personaId }) })
  } catch (error) {
    watch.close()
    stream?.abandon()
    throw error
  }
  type Answer = Awaited<ReturnType<typeof runTurn<Stream>>>
  if (stream) {
    await stream.run(watch)
    return undefined as Answer
  }
  // A client that hangs up stops waiting; the turn is the session's and goes on.
  reply.raw.once('close', watch.close)
  const final = await watch.final
  refuseFailedTurn(final, reply)
  return { final, text: text + flow.event(final) } as Answer
}
