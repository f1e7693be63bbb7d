import type { FastifyRequest } from 'fastify'
import type { ClientTool, HistoryMessage } from '../../../actors/session/protocol.ts'
import type { GatewayContext } from '../gateway.ts'
import { headerMetadata, headerOf } from '../request-headers.ts'
import type { Ticket } from '../session-door.ts'
import { checkFiles } from './given-files.ts'
import { keptFiles } from './kept-files.ts'
import type { UserTurn } from './run-turn.ts'
import type { GivenMessage, TurnInput } from './turn-input.ts'

/** What both OpenAI surfaces ask of a turn, in the words of either. */
export interface Asked {
  readonly metadata: Readonly<Record<string, unknown>> | null | undefined
  readonly chosen: { readonly model?: string; readonly personaId?: string }
  readonly input: TurnInput
  readonly temperature: number | null | undefined
  readonly maxTokens: number | null | undefined
  readonly tools: ClientTool[] | undefined
}

/** The durable session that a request names: `metadata.session_id`, else `X-Session-Id`. */
export function namedSession(request: FastifyRequest, metadata: Asked['metadata']): string | undefined {
  const named = metadata?.session_id
  return typeof named === 'string' && named !== '' ? named : headerOf(request, 'x-session-id')
}

/** What of the turn can be refused for itself is refused before it takes its place in the session's queue. */
export async function enterTurn(
  context: GatewayContext,
  request: FastifyRequest,
  session: string | undefined,
  asked: Asked,
): Promise<{ readonly ticket: Ticket; readonly command: UserTurn }> {
  const { files, history, ...said } = asked.input
  const all = [...history.flatMap((message) => message.files ?? []), ...files]
  checkFiles(context, request, files, all)
  const turn = { ...turnOf(request, asked), ...said }
  const { personaId, metadata } = turn
  const ticket = await context.door.ticket(request, session, turn)
  const command = { ...turn, turnId: ticket.envelopeId }
  try {
    if (all.length === 0) return { ticket, command: { ...command, ...historyOf(history, new Map()) } }
    const { named } = ticket
    const birth = {
      metadata,
      ...(personaId === undefined ? {} : { personaId }),
      ...(named === undefined ? {} : { named }),
    }
    await context.door.enter(request.caller, ticket.sessionId, birth)
    const kept = await keptFiles(context, request, ticket.sessionId, { turn: files, all })
    const attachments = [...new Set(files.flatMap((file) => kept.get(file) ?? []))]
    // The session is claimed by now: nobody need do it again.
    return { ticket: { ...ticket, fresh: false }, command: { ...command, attachments, ...historyOf(history, kept) } }
  } catch (error) {
    ticket.release?.()
    throw error
  } finally {
    context.heldBytes.releaseBody(request)
  }
}

function turnOf(request: FastifyRequest, asked: Asked): Omit<UserTurn, 'turnId' | 'text'> {
  const { chosen, temperature, maxTokens, tools } = asked
  const persona = chosen.personaId ?? headerOf(request, 'x-persona-id')
  const { session_id: _session, ...metadata } = asked.metadata ?? {}
  return {
    kind: 'AcceptUserTurn',
    v: 1,
    attachments: [],
    metadata: { ...metadata, ...headerMetadata(request) },
    ...(persona === undefined ? {} : { personaId: persona }),
    ...(chosen.model === undefined ? {} : { model: chosen.model }),
    ...(temperature == null ? {} : { temperature }),
    ...(maxTokens == null ? {} : { maxTokens }),
    ...(tools === undefined ? {} : { clientTools: tools }),
  }
}

function historyOf(history: readonly GivenMessage[], kept: Awaited<ReturnType<typeof keptFiles>>) {
  if (history.length === 0) return {}
  return {
    history: history.map(({ files = [], ...message }): HistoryMessage => {
      const attachments = [...new Set(files.flatMap((file) => kept.get(file) ?? []))]
      return message.role === 'user' && attachments.length > 0 ? { ...message, attachments } : message
    }),
  }
}
