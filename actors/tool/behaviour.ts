import { assertNever, type Behaviour, type CommandMeta, type Decision, nothing } from '../kernel/behaviour.ts'
import { validateArguments } from './arguments.ts'
import { callOff, endOf, isEarly, onDeferred, onSettle } from './deferral.ts'
import type { Invocation, ToolEvent } from './events.ts'
import * as outcomes from './outcomes.ts'
import type { ToolCommand, ToolOutcome } from './protocol.ts'
import type { Finding, RunResult, Verdict } from './results.ts'
import { onFailed } from './retrial.ts'
import { evolve, type ToolState, type Underway } from './state.ts'
import type { ToolCatalogue } from './tool.ts'

/**
 * The life of one tool call.
 *
 *   new ──Invoke──▶ authorizing ──Decided(allow)──▶ running ──Ran──▶ finished
 *    └ unknown tool,   └ denied, unavailable,          │ └ Cancel ──▶ finished (cancelled)
 *      bad arguments     no slot, Cancel               │
 *                                        node died: Recovered
 *              running ──Ran(transient)──▶ running, pausing ──RetryDue──▶ running again
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
 *   T7. A failed attempt is journaled before the next one; there is a next one only where the tool declares it, the failure
 *       says that it is transient, and T2 allows it.
 */

/** What the actor tells itself; no wire body can be one of these. */
export type OwnCommand =
  | { readonly kind: 'Decided'; readonly verdict: Verdict }
  | { readonly kind: 'Ran'; readonly attempt: number; readonly result: RunResult }
  | { readonly kind: 'Reconciled'; readonly attempt: number; readonly finding: Finding }
  | { readonly kind: 'Recovered' }
  /** A deferred call's deadline passed. */
  | { readonly kind: 'Expired'; readonly attempt: number }
  /** The pause after this failed attempt is over. */
  | { readonly kind: 'RetryDue'; readonly attempt: number }

export type { EndOfRun, Failed, Finding, Refusal, RunResult, Verdict } from './results.ts'
export type { ToolState, Underway } from './state.ts'

export type ToolEffect =
  | { readonly kind: 'Authorize'; readonly invocation: Invocation }
  | { readonly kind: 'Run'; readonly invocation: Invocation; readonly attempt: number }
  | { readonly kind: 'Reconcile'; readonly invocation: Invocation; readonly attempt: number }
  /** Tell `Expired` at the deadline. */
  | { readonly kind: 'Await'; readonly attempt: number; readonly deadline: number }
  /** Tell `RetryDue` at that time. */
  | { readonly kind: 'Retry'; readonly attempt: number; readonly at: number }
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
        return isRunning(state, command.attempt) ? ran(state, command.result, meta) : nothing // T4
      case 'Settle':
        return settle(state, command, meta)
      case 'Expired':
        return state.phase === 'running' && state.attempt === command.attempt && state.deferral
          ? abandon(state, outcomes.expired(state, meta.now))
          : nothing // T4
      case 'RetryDue':
        return state.phase === 'running' && state.attempt === command.attempt && state.retryAt !== undefined
          ? startAgain(state, meta, [])
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
      const names = catalogue.list().flatMap(({ name, internal }) => (internal ? [] : [name]))
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
    const tool = catalogue.get(state.invocation.tool)
    const again = result.kind === 'failed' ? onFailed(state, result, tool, meta) : undefined // T7
    if (again) return again
    if (result.kind !== 'deferred') return finish(state.invocation, outcomes.ofRun(result, state, meta.now))
    const next = onDeferred(state, result, tool)
    return isEarly(next) ? finish(state.invocation, endOf(state, next, tool)) : next
  }

  /** T6. */
  function settle(
    state: ToolState,
    command: Extract<ToolCommand, { kind: 'Settle' }>,
    meta: CommandMeta,
  ): ToolDecision {
    const came = onSettle(state, command, meta)
    if (!isEarly(came)) return came
    if (state.phase !== 'running' && state.phase !== 'reconciling') return nothing
    const end = finish(state.invocation, endOf(state, came, catalogue.get(state.invocation.tool)))
    const outbox = [...(end.outbox ?? []), ...callOff(state.deferral, came.by)]
    return { ...end, outbox, effects: [{ kind: 'Abandon' }] }
  }

  function recovered(state: ToolState, meta: CommandMeta): ToolDecision {
    if (state.phase === 'authorizing') return { ...nothing, effects: pendingEffects(state) }
    if (state.phase !== 'running' && state.phase !== 'reconciling') return nothing
    if (state.deferral || state.retryAt !== undefined) return { ...nothing, effects: pendingEffects(state) }
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
  const called = state.phase === 'authorizing' ? [] : callOff(state.deferral)
  return { ...end, outbox: [...(end.outbox ?? []), ...called], effects: [{ kind: 'Abandon' }] }
}

/** T3: the only place where an invocation ends. */
function finish(invocation: Invocation, outcome: ToolOutcome): ToolDecision {
  return {
    events: [{ kind: 'InvocationFinished', outcome }],
    outbox: [{ to: invocation.replyTo, body: { kind: 'ToolReturned', v: 1, callId: invocation.callId, outcome } }],
  }
}

/** Whether what comes back is of the attempt that runs. */
function isRunning(state: ToolState, attempt: number): state is Underway {
  return state.phase === 'running' && state.attempt === attempt && !state.deferral && state.retryAt === undefined
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
      const { invocation, attempt, idempotent, deferral, retryAt } = state
      if (retryAt !== undefined) return [{ kind: 'Retry', attempt, at: retryAt }]
      if (deferral) return [{ kind: 'Await', attempt, deadline: deferral.deadline }]
      const again = state.phase === 'running' && idempotent
      return [{ kind: again ? 'Run' : 'Reconcile', invocation, attempt }]
    }
    default:
      return assertNever(state)
  }
}
