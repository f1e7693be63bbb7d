import { assertNever, type Behaviour, type CommandMeta, type Decision, nothing } from '../kernel/behaviour.ts'
import type { PolicyDecision } from '../kernel/policy.ts'
import { validateArguments } from './arguments.ts'
import type { Deferral, Invocation, ToolEvent } from './events.ts'
import * as outcomes from './outcomes.ts'
import type { ToolCommand, ToolOutcome } from './protocol.ts'
import type { Deferred, ToolCatalogue } from './tool.ts'

/**
 * The life of one tool call.
 *
 *   new ──Invoke──▶ authorizing ──Decided(allow)──▶ running ──Ran──▶ finished
 *    └ unknown tool,   └ denied, unavailable,          │ └ Cancel ──▶ finished (cancelled)
 *      bad arguments     no slot, Cancel               │
 *                                        node died: Recovered
 *              running ──Ran(deferred)──▶ running, waiting ──Settle | Expired | Cancel──▶ finished
 *                              idempotent: running again ─┴─ else: reconciling ──▶ running again | finished
 *
 *   T1. A tool runs only after a decision that allows it, and after the start of that attempt is journaled (I10).
 *   T2. A tool that is not idempotent never starts again unless its own check says that it surely did not run.
 *   T3. An invocation finishes once, and answers with exactly one ToolReturned, written with its end (I4).
 *   T4. Results of an earlier attempt, or after the end, change nothing.
 *   T5. A call that takes its node down again and again is given up after MAX_INTERRUPTIONS (I9).
 *   T6. A deferred call waits through any crash; it ends by the first Settle of one it named, or at its deadline, and what
 *       it sent to have it settled is called off when it ends in any other way.
 */
export type ToolState =
  | { readonly phase: 'new' }
  | {
      readonly phase: 'authorizing'
      readonly tenant: string
      readonly invocation: Invocation
      readonly decision?: PolicyDecision
    }
  | Underway
  | { readonly phase: 'finished'; readonly tenant: string; readonly callId: string; readonly tool: string }

export interface Underway {
  readonly phase: 'running' | 'reconciling'
  readonly tenant: string
  readonly invocation: Invocation
  readonly decision: PolicyDecision
  readonly attempt: number
  readonly idempotent: boolean
  readonly startedAt: number
  readonly interruptions: number
  /** The tool has run; its outcome comes as a message. */
  readonly deferral?: Deferral
}

/** What the actor tells itself; no wire body can be one of these. */
export type OwnCommand =
  | { readonly kind: 'Decided'; readonly verdict: Verdict }
  | { readonly kind: 'Ran'; readonly attempt: number; readonly result: RunResult }
  | { readonly kind: 'Reconciled'; readonly attempt: number; readonly finding: Finding }
  | { readonly kind: 'Recovered' }
  /** A deferred call's deadline passed. */
  | { readonly kind: 'Expired'; readonly attempt: number }

export type Verdict =
  | { readonly kind: 'decision'; readonly decision: PolicyDecision }
  | { readonly kind: 'unavailable'; readonly detail: string }
  | { readonly kind: 'no-slot'; readonly waitedMs: number }

/** How an attempt ended. Never a rejection: whatever a tool does is one of these. */
export type RunResult = EndOfRun | Deferred

export type EndOfRun =
  | { readonly kind: 'output'; readonly output: string; readonly truncated: boolean }
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }
  | { readonly kind: 'timeout'; readonly afterMs: number }

export type Finding =
  | { readonly kind: 'output'; readonly output: string; readonly truncated: boolean }
  | { readonly kind: 'not-run' }
  | { readonly kind: 'unknown' }

export type ToolEffect =
  | { readonly kind: 'Authorize'; readonly invocation: Invocation }
  | { readonly kind: 'Run'; readonly invocation: Invocation; readonly attempt: number }
  | { readonly kind: 'Reconcile'; readonly invocation: Invocation; readonly attempt: number }
  /** Tell `Expired` at the deadline. */
  | { readonly kind: 'Await'; readonly attempt: number; readonly deadline: number }
  /** Abort whatever this invocation still does. */
  | { readonly kind: 'Abandon' }

export type ToolDecision = Decision<ToolEvent, ToolEffect>

export const MAX_INTERRUPTIONS = 3

export function toolBehaviour(
  catalogue: ToolCatalogue,
): Behaviour<ToolState, ToolCommand | OwnCommand, ToolEvent, ToolEffect> {
  function decide(state: ToolState, command: ToolCommand | OwnCommand, meta: CommandMeta): ToolDecision {
    switch (command.kind) {
      case 'Invoke':
        return invoke(state, command, meta)
      case 'Cancel':
        return cancel(state, command.reason, meta)
      case 'Decided':
        return state.phase === 'authorizing' ? decided(state.invocation, command.verdict, meta) : nothing
      case 'Ran':
        return state.phase === 'running' && state.attempt === command.attempt && !state.deferral
          ? ran(state, command.result, meta)
          : nothing // T4
      case 'Settle':
        return settle(state, command, meta)
      case 'Expired':
        return state.phase === 'running' && state.attempt === command.attempt && state.deferral
          ? abandon(state, outcomes.expired(state, meta.now))
          : nothing // T4
      case 'Reconciled':
        return state.phase === 'reconciling' && state.attempt === command.attempt
          ? reconciled(state, command.finding, meta)
          : nothing // T4
      case 'Recovered':
        return recovered(state, meta)
      default:
        return assertNever(command)
    }
  }

  function invoke(
    state: ToolState,
    command: Extract<ToolCommand, { kind: 'Invoke' }>,
    meta: CommandMeta,
  ): ToolDecision {
    if (state.phase !== 'new') {
      const callId = state.phase === 'finished' ? state.callId : state.invocation.callId
      if (callId === command.callId) return nothing // T3
      return { ...nothing, deadLetter: { code: 'UNROUTABLE', detail: `this is the invocation ${callId}` } }
    }
    const { kind: _, v: __, ...asked } = command
    const invocation: Invocation = { ...asked, tenant: meta.tenant }
    const accepted: ToolEvent = { kind: 'InvocationAccepted', invocation }
    const refusal = refuse(invocation, meta.now)
    if (refusal === undefined) return { events: [accepted], effects: [{ kind: 'Authorize', invocation }] }
    const end = finish(invocation, refusal)
    return { ...end, events: [accepted, ...end.events] }
  }

  /** Before policy is asked: a call that cannot run needs no decision. */
  function refuse(invocation: Invocation, now: number): ToolOutcome | undefined {
    const tool = catalogue.get(invocation.tool)
    if (!tool) {
      const names = catalogue.list().map(({ name }) => name)
      return outcomes.notFound(invocation.tool, names, now)
    }
    const checked = validateArguments(tool, invocation.args)
    return checked.ok ? undefined : outcomes.badArguments(tool.name, checked.problems, now)
  }

  function decided(invocation: Invocation, verdict: Verdict, meta: CommandMeta): ToolDecision {
    if (verdict.kind !== 'decision') return finish(invocation, outcomes.notRun(verdict, meta.now))
    const { decision } = verdict
    if (!decision.allow) return finish(invocation, outcomes.denied(decision, meta.now))
    const tool = catalogue.get(invocation.tool)
    if (!tool) return finish(invocation, outcomes.notFound(invocation.tool, [], meta.now))
    return {
      events: [
        { kind: 'InvocationAuthorized', decision },
        { kind: 'InvocationStarted', attempt: 1, idempotent: tool.idempotent, startedAt: meta.now },
      ],
      effects: [{ kind: 'Run', invocation, attempt: 1 }], // T1
    }
  }

  function ran(state: Underway, result: RunResult, meta: CommandMeta): ToolDecision {
    if (result.kind !== 'deferred') return finish(state.invocation, outcomes.ofRun(result, state, meta.now))
    const { settledBy, send, ifAbandoned = [] } = result
    const deadline = state.startedAt + (catalogue.get(state.invocation.tool)?.timeoutMs ?? 0)
    return {
      events: [{ kind: 'InvocationDeferred', deadline, settledBy, ifAbandoned }],
      outbox: send,
      effects: [{ kind: 'Await', attempt: state.attempt, deadline }],
    }
  }

  /** T6. */
  function settle(
    state: ToolState,
    command: Extract<ToolCommand, { kind: 'Settle' }>,
    meta: CommandMeta,
  ): ToolDecision {
    if (state.phase === 'finished') return nothing // T4
    if (state.phase === 'new' || state.invocation.callId !== command.callId || state.tenant !== meta.tenant) {
      return { ...nothing, deadLetter: { code: 'UNROUTABLE', detail: 'there is no such invocation to settle' } }
    }
    if (state.phase === 'authorizing' || !state.deferral?.settledBy.includes(meta.from)) return nothing
    const tool = catalogue.get(state.invocation.tool) ?? {}
    const end = finish(state.invocation, outcomes.settled(command.outcome, state, tool))
    return { ...end, effects: [{ kind: 'Abandon' }] }
  }

  function recovered(state: ToolState, meta: CommandMeta): ToolDecision {
    if (state.phase === 'authorizing') return { ...nothing, effects: pendingEffects(state) }
    if (state.phase !== 'running' && state.phase !== 'reconciling') return nothing
    if (state.deferral) return { ...nothing, effects: pendingEffects(state) }
    const interrupted: ToolEvent = { kind: 'InvocationInterrupted' }
    if (state.interruptions >= MAX_INTERRUPTIONS) return finish(state.invocation, outcomes.givenUp(state, meta.now)) // T5
    if (state.phase === 'running' && state.idempotent) return startAgain(state, meta, [interrupted])
    const { invocation, attempt } = state
    return { events: [interrupted], effects: [{ kind: 'Reconcile', invocation, attempt }] } // T2
  }

  function reconciled(state: Underway, finding: Finding, meta: CommandMeta): ToolDecision {
    switch (finding.kind) {
      case 'output':
        return finish(state.invocation, outcomes.ofRun(finding, state, meta.now))
      case 'not-run':
        return startAgain(state, meta, [])
      case 'unknown':
        return finish(state.invocation, outcomes.unknown(state, meta.now))
      default:
        return assertNever(finding)
    }
  }

  function startAgain(state: Underway, meta: CommandMeta, before: readonly ToolEvent[]): ToolDecision {
    const attempt = state.attempt + 1
    const { idempotent, invocation } = state
    return {
      events: [...before, { kind: 'InvocationStarted', attempt, idempotent, startedAt: meta.now }],
      effects: [{ kind: 'Run', invocation, attempt }], // T1
    }
  }

  function cancel(state: ToolState, reason: string, meta: CommandMeta): ToolDecision {
    if (state.phase === 'finished') return nothing
    if (state.phase === 'new') {
      return { ...nothing, deadLetter: { code: 'UNROUTABLE', detail: 'there is no such invocation to cancel' } }
    }
    return abandon(state, outcomes.cancelled(reason, state, meta.now))
  }

  return { initial: { phase: 'new' }, decide, evolve, pendingEffects }
}

/** Whatever this call began need not go on. */
function abandon(state: Exclude<ToolState, { phase: 'new' | 'finished' }>, outcome: ToolOutcome): ToolDecision {
  const end = finish(state.invocation, outcome)
  const callOff = state.phase === 'authorizing' ? [] : (state.deferral?.ifAbandoned ?? [])
  return { ...end, outbox: [...(end.outbox ?? []), ...callOff], effects: [{ kind: 'Abandon' }] }
}

/** T3: the only place where an invocation ends. */
function finish(invocation: Invocation, outcome: ToolOutcome): ToolDecision {
  return {
    events: [{ kind: 'InvocationFinished', outcome }],
    outbox: [{ to: invocation.replyTo, body: { kind: 'ToolReturned', v: 1, callId: invocation.callId, outcome } }],
  }
}

function evolve(state: ToolState, event: ToolEvent): ToolState {
  switch (event.kind) {
    case 'InvocationAccepted':
      return { phase: 'authorizing', tenant: event.invocation.tenant, invocation: event.invocation }
    case 'InvocationAuthorized':
      return state.phase === 'authorizing' ? { ...state, decision: event.decision } : state
    case 'InvocationStarted': {
      if (state.phase === 'new' || state.phase === 'finished' || state.decision === undefined) return state
      const { tenant, invocation, decision } = state
      const { attempt, idempotent, startedAt } = event
      const interruptions = state.phase === 'authorizing' ? 0 : state.interruptions
      return { phase: 'running', tenant, invocation, decision, attempt, idempotent, startedAt, interruptions }
    }
    case 'InvocationDeferred': {
      if (state.phase !== 'running') return state
      const { kind: _, ...deferral } = event
      return { ...state, deferral }
    }
    case 'InvocationInterrupted':
      if (state.phase !== 'running' && state.phase !== 'reconciling') return state
      return { ...state, phase: 'reconciling', interruptions: state.interruptions + 1 }
    case 'InvocationFinished':
      if (state.phase === 'new' || state.phase === 'finished') return state
      return {
        phase: 'finished',
        tenant: state.tenant,
        callId: state.invocation.callId,
        tool: state.invocation.tool,
      }
    default:
      return assertNever(event)
  }
}

/** Waits for its Settle: nothing of it runs here. */
export function isDeferred(state: ToolState): boolean {
  return state.phase === 'running' && state.deferral !== undefined
}

/** What an activation that finds this state must do; `Recovered` decides how, and journals it first. */
function pendingEffects(state: ToolState): readonly ToolEffect[] {
  switch (state.phase) {
    case 'new':
    case 'finished':
      return []
    case 'authorizing':
      return [{ kind: 'Authorize', invocation: state.invocation }]
    case 'running':
    case 'reconciling': {
      const { invocation, attempt, idempotent, deferral } = state
      if (deferral) return [{ kind: 'Await', attempt, deadline: deferral.deadline }]
      const again = state.phase === 'running' && idempotent
      return [{ kind: again ? 'Run' : 'Reconcile', invocation, attempt }]
    }
    default:
      return assertNever(state)
  }
}
