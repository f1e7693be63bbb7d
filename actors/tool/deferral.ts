import { type CommandMeta, nothing } from '../kernel/behaviour.ts'
import type { ToolDecision, ToolState, Underway } from './behaviour.ts'
import type { Deferral } from './events.ts'
import * as outcomes from './outcomes.ts'
import type { SettledOutcome, ToolCommand, ToolOutcome } from './protocol.ts'
import type { Deferred, Tool } from './tool.ts'

/**
 * Calls whose outcome comes as a message (T6 of behaviour.ts). Whoever may settle one is known when the tool has run; an outcome
 * that comes before is kept until then, as long as the tool may still name its sender.
 */

/** An outcome that came before the tool had said from whom it takes one. The first of each sender is kept. */
export interface EarlyOutcome {
  readonly by: string
  readonly outcome: SettledOutcome
}

const MAX_EARLY = 4

/** The end that a Settle means, or the decision that it is none. */
export function onSettle(
  state: ToolState,
  command: Extract<ToolCommand, { kind: 'Settle' }>,
  meta: CommandMeta,
): EarlyOutcome | ToolDecision {
  if (state.phase === 'finished') return nothing // T4
  if (state.phase === 'new' || state.invocation.callId !== command.callId || state.tenant !== meta.tenant) {
    return { ...nothing, deadLetter: { code: 'UNROUTABLE', detail: 'there is no such invocation to settle' } }
  }
  const came: EarlyOutcome = { by: meta.from, outcome: command.outcome }
  if (state.phase !== 'authorizing' && state.deferral) {
    return state.deferral.settledBy.includes(meta.from) ? came : nothing
  }
  const early = state.early ?? []
  if (early.length >= MAX_EARLY || early.some(({ by }) => by === meta.from)) return nothing
  return { events: [{ kind: 'InvocationSettledEarly', ...came }] }
}

/** The tool has run, and waits; or finds its outcome there already, and asks nobody. */
export function onDeferred(state: Underway, { settledBy, send, ifAbandoned = [] }: Deferred, tool: Tool | undefined) {
  const early = state.early?.find(({ by }) => (settledBy as readonly string[]).includes(by))
  if (early) return early
  const deadline = state.startedAt + (tool?.timeoutMs ?? 0)
  return {
    events: [{ kind: 'InvocationDeferred', deadline, settledBy, ifAbandoned }],
    outbox: send,
    effects: [{ kind: 'Await', attempt: state.attempt, deadline }],
  } satisfies ToolDecision
}

export function isEarly(what: EarlyOutcome | ToolDecision): what is EarlyOutcome {
  return 'outcome' in what
}

export function endOf(state: Underway, { outcome }: EarlyOutcome, tool: Tool | undefined): ToolOutcome {
  return outcomes.settled(outcome, state, tool ?? {})
}

/** What was begun to have the call settled, and need not go on; `by` has ended it, and knows. */
export function callOff(deferral: Deferral | undefined, by?: string) {
  return (deferral?.ifAbandoned ?? []).filter(({ to }) => to !== by)
}

/** Waits for its Settle: nothing of it runs here. */
export function isDeferred(state: ToolState): boolean {
  return state.phase === 'running' && state.deferral !== undefined
}
