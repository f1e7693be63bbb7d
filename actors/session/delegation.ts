import { type Address, address } from '../kernel/address.ts'
import type { Outgoing } from '../kernel/behaviour.ts'
import { uuidOf } from '../kernel/name-uuid.ts'
import type { Lineage, SettledOutcome } from '../tool/protocol.ts'
import type { SessionEvent } from './events.ts'
import { smallestLimit } from './limits.ts'
import type { Delegated } from './protocol.ts'
import type { SessionState } from './state.ts'
import { budgetOfSession } from './turn-budget.ts'

/**
 * Delegation, as both sessions see it.
 *   G1. The child of a call has an id that follows from the call's id, so a call has one child, whoever asks how often.
 *   G2. The end of the child's first turn settles the call, written with that end: once, whatever crashes (I4).
 *   G3. A child is told how deep it stands; what it may use is what its call was given of the parent's budget.
 *   G4. What a child used counts for the parent's turn and session when its outcome arrives. It counts for the tenant's day
 *       only where it was used, so never twice.
 */

/** The tool that begins a child (catalogue/delegate.ts). */
export const DELEGATE = 'delegate'

/** G1. */
export function childSessionOf(callId: string): string {
  return uuidOf('delegated', callId)
}

/** G3: shared out among the delegations of one step, which run side by side. */
export function lineageOf(state: SessionState): Lineage {
  const { turn, delegated } = state
  const siblings = turn?.calls.filter((call) => call.tool === DELEGATE).length ?? 1
  const left = tokensLeft(state)
  return {
    depth: delegated?.depth ?? 0,
    delegations: turn?.delegations ?? 1,
    ...(left !== undefined && { tokensLeft: Math.floor(left / Math.max(1, siblings)) }),
  }
}

function tokensLeft(state: SessionState): number | undefined {
  const { turn, usage } = state
  const bounds = [
    { limit: turn?.limits.tokensPerTurn ?? 0, used: turn?.usage ?? usage },
    { limit: smallestLimit(turn?.limits.tokensPerSession ?? 0, budgetOfSession(state)), used: usage },
  ]
  const left = bounds
    .filter(({ limit }) => limit > 0)
    .map(({ limit, used }) => Math.max(0, limit - used.promptTokens - used.completionTokens))
  return left.length === 0 ? undefined : Math.min(...left)
}

/** G2. */
export function settlementOf(delegated: Delegated | undefined, event: SessionEvent, now: number): Outgoing | undefined {
  if (delegated === undefined || (event.kind !== 'TurnFinished' && event.kind !== 'UserTurnRejected')) return undefined
  if (event.turnId !== delegated.turnId) return undefined
  const outcome = outcomeOf(event, now)
  const to: Address = address('tool', delegated.callId)
  return { to, body: { kind: 'Settle', v: 1, callId: delegated.callId, outcome } }
}

type End = Extract<SessionEvent, { kind: 'TurnFinished' | 'UserTurnRejected' }>

function outcomeOf(event: End, finishedAt: number): SettledOutcome {
  if (event.kind === 'UserTurnRejected') {
    const output = `The delegated task was not begun: ${event.detail}.`
    return { status: 'error', code: event.code, output, finishedAt }
  }
  const { usage, text, detail = '' } = event
  switch (event.outcome) {
    case 'completed':
    case 'client_tools': {
      const cut = event.finishReason === 'length' ? '\n[the answer was cut off at the length its model may write]' : ''
      return { status: 'success', output: text + cut, usage, finishedAt }
    }
    case 'stopped': {
      const shown = text === '' ? '' : ` Its answer so far: ${text}`
      const output = `The delegated session was stopped: ${detail || 'no reason was given'}.${shown}`
      return { status: 'cancelled', output, usage, finishedAt }
    }
    case 'failed': {
      const code = event.code ?? 'TOOL_FAILED'
      const output = `The delegated session failed (${code}): ${detail || text} Do it yourself, ask for less, or tell the user.`
      return { status: 'error', code, output, usage, finishedAt }
    }
  }
}
