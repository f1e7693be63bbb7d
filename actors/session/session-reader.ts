import type { Journal } from '../../persistence/journal.ts'
import type { PendingStep, SessionReader, SessionView } from '../../transports/gateway/session-reader.ts'
import type { Models } from '../../transports/model/client.ts'
import { address } from '../kernel/address.ts'
import { messageTokens } from '../kernel/tokens.ts'
import type { Personas } from '../persona.ts'
import { toAnnouncement } from './conversation-events.ts'
import { sessionCodec } from './events.ts'
import { contextWindow } from './prompt.ts'
import type { HistoryMessage } from './protocol.ts'
import { evolve, initialSession, type SessionState } from './state.ts'
import { pendingMessages, unsentCalls } from './step-state.ts'

/** What gateways read of sessions: the journal alone, never an activation, so any gateway answers for any session. */
export interface SessionReaderParts {
  readonly journal: Pick<Journal, 'read' | 'head'>
  readonly personas: Personas
  readonly models: Models
  readonly now: () => number
}

const READ_PAGE = 1_000

export function sessionReader(parts: SessionReaderParts): SessionReader {
  const codec = sessionCodec()
  return {
    async events(sessionId, after, limit) {
      const stored = await parts.journal.read(address('session', sessionId), after, limit)
      return stored.map((one) => toAnnouncement(sessionId, one, codec.decode(one)))
    },
    head: (sessionId) => parts.journal.head(address('session', sessionId)),
    async view(sessionId) {
      let state = initialSession
      let seq = 0
      const at: number[] = []
      for (;;) {
        const page = await parts.journal.read(address('session', sessionId), seq, READ_PAGE)
        for (const stored of page) {
          state = evolve(state, codec.decode(stored))
          seq = stored.seq
          at.length = Math.min(at.length, state.history.length)
          while (at.length < state.history.length) at.push(stored.at)
        }
        if (page.length < READ_PAGE) break
      }
      return viewOf(sessionId, state, seq, at, parts)
    },
  }
}

function viewOf(
  sessionId: string,
  state: SessionState,
  seq: number,
  at: readonly number[],
  parts: SessionReaderParts,
): SessionView {
  const persona = parts.personas.get(state.personaId) ?? parts.personas.get(parts.personas.defaultId)
  const limit = (persona && parts.models.choose(persona.model.role, persona.model.name)?.contextTokens) ?? 0
  const window = persona && contextWindow(state, persona, limit, parts.now())
  const messages: readonly HistoryMessage[] = window?.messages ?? state.history
  return {
    sessionId,
    tenant: state.tenant,
    personaId: state.personaId,
    seq,
    paused: state.paused,
    stepMode: state.stepMode,
    pending: pendingOf(state),
    runningTurnId: state.turn?.request.turnId,
    queuedTurnIds: state.queue.map((request) => request.turnId),
    history: state.history.map((message, index) => ({ ...message, at: at[index] ?? 0 })),
    ...condensedOf(state),
    contextWindow: {
      messages,
      tokens: window?.tokens ?? messages.reduce((sum, one) => sum + messageTokens(one), 0),
      limit,
    },
    timers: Object.values(state.timers ?? {}).sort((a, b) => a.due - b.due),
    usage: state.usage,
  }
}

function condensedOf({ condensed }: SessionState): Pick<SessionView, 'condensed'> {
  return condensed ? { condensed: { messages: condensed.to, summary: condensed.summary, model: condensed.model } } : {}
}

function pendingOf(state: SessionState): PendingStep | undefined {
  const { turn } = state
  const hold = turn?.hold
  if (!turn || !hold) return undefined
  const { turnId } = turn.request
  const shown = { hold: hold.hold, since: hold.since, turnId, before: hold.before }
  if (hold.before === 'model') {
    const messages = pendingMessages(state).map(({ position, message }) => ({ position, message }))
    return { ...shown, reason: hold.reason, messages, calls: [] }
  }
  // The one that waits comes first; those behind it wait for their own Step and may be edited as well.
  const calls = unsentCalls(turn).map(({ callId, tool, arguments: args }) => ({ callId, tool, arguments: args }))
  return { ...shown, messages: [], calls }
}
