import { addUsage, type SessionEvent } from './events.ts'
import type { SessionState } from './state.ts'

/** How the events of condensing fold (condensing.ts). */

export interface Condensed {
  /** Messages at the start of the history that `summary` stands for. */
  readonly to: number
  readonly summary: string
  readonly model: string
}

type CondensingEvent = Extract<SessionEvent, { kind: 'HistoryCondensed' | 'CondensingFailed' }>

export function condensedAfter(state: SessionState, event: CondensingEvent): SessionState {
  if (event.kind === 'CondensingFailed') return { ...state, condensingFailedAt: state.history.length }
  const { to, summary, model, usage } = event
  const { condensingFailedAt: _, ...rest } = state
  return { ...rest, condensed: { to, summary, model }, usage: addUsage(state.usage, usage) }
}
