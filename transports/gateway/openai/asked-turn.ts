import type { FastifyRequest } from 'fastify'
import type { ClientTool } from '../../../actors/session/protocol.ts'
import { headerMetadata, headerOf } from '../request-headers.ts'
import type { UserTurn } from './run-turn.ts'
import type { TurnInput } from './turn-input.ts'

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

/** All of the turn that can be refused for itself, before it takes its place in the session's queue. */
export function askedTurn(request: FastifyRequest, asked: Asked): Omit<UserTurn, 'turnId'> {
  const { chosen, input, temperature, maxTokens, tools } = asked
  const persona = chosen.personaId ?? headerOf(request, 'x-persona-id')
  const { session_id: _session, ...metadata } = asked.metadata ?? {}
  return {
    kind: 'AcceptUserTurn',
    v: 1,
    attachments: [],
    metadata: { ...metadata, ...headerMetadata(request) },
    ...input,
    ...(persona === undefined ? {} : { personaId: persona }),
    ...(chosen.model === undefined ? {} : { model: chosen.model }),
    ...(temperature == null ? {} : { temperature }),
    ...(maxTokens == null ? {} : { maxTokens }),
    ...(tools === undefined ? {} : { clientTools: tools }),
  }
}
