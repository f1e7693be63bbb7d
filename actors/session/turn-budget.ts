import type { Draft } from './draft.ts'
import { smallestLimit } from './limits.ts'
import type { RunningTurn, SessionState } from './state.ts'

/** Limits that the session can judge alone; the day's are checked before each call (model-call.ts). */
export function overBudget(draft: Draft, turn: RunningTurn): string | undefined {
  const { tokensPerTurn, tokensPerSession, dollarsPerTurn } = turn.limits
  const tokens = turn.usage.promptTokens + turn.usage.completionTokens
  if (tokensPerTurn > 0 && tokens > tokensPerTurn) return `The turn used ${tokens} tokens of ${tokensPerTurn}.`
  const all = draft.state.usage.promptTokens + draft.state.usage.completionTokens
  const perSession = smallestLimit(tokensPerSession, budgetOfSession(draft.state))
  if (perSession > 0 && all > perSession) return `The session used ${all} tokens of ${perSession}.`
  const dollars = turn.usage.costMicros / 1e6
  if (dollarsPerTurn > 0 && dollars > dollarsPerTurn)
    return `The turn cost ${dollars.toFixed(4)} of ${dollarsPerTurn} dollars.`
  return undefined
}

/**
 * In tokens; 0 is no limit. `metadata.budget` and what a parent gave are fixed at birth, so whoever opens a session can bound it
 * for good.
 */
export function budgetOfSession({ metadata, delegated }: SessionState): number {
  const asked = typeof metadata.budget === 'string' ? Number(metadata.budget) : metadata.budget
  return smallestLimit(typeof asked === 'number' && asked > 0 ? asked : 0, delegated?.tokens ?? 0)
}
