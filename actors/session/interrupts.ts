import { address } from '../kernel/address.ts'
import { assertNever } from '../kernel/behaviour.ts'
import type { Draft } from './draft.ts'
import { runningCalls } from './draft.ts'
import type { CallReason } from './events.ts'
import type { ControlCommand, InjectedMessage } from './protocol.ts'
import type { RunningTurn } from './state.ts'
import { releaseAll } from './stepping.ts'
import { cancelAll } from './timers.ts'
import { endAskedCalls } from './tool-requests.ts'
import { afterCalls, continueTurn } from './turn.ts'

/**
 * Commands that reach into a running turn. They take effect at once: the model call in flight is aborted (its shown
 * text is kept where a person saw it), tool calls in flight are cancelled and answered, so nothing waits for them.
 */

export function stop(
  draft: Draft,
  turnId: string | undefined,
  reason: string,
  alsoQueued: boolean,
  partialText: string,
): void {
  const { turn } = draft.state
  if (alsoQueued) stopQueued(draft, reason)
  else if (turnId !== undefined && turn?.request.turnId !== turnId) stopQueued(draft, reason, turnId)
  if (turn && (turnId === undefined || turn.request.turnId === turnId)) stopRunning(draft, turn, reason, partialText)
}

function stopQueued(draft: Draft, reason: string, only?: string): void {
  for (const { turnId } of draft.state.queue) {
    if (only !== undefined && only !== turnId) continue
    draft.record({
      kind: 'TurnFinished',
      turnId,
      outcome: 'stopped',
      finishReason: 'stop',
      text: '',
      detail: reason,
      steps: 0,
      model: '',
      usage: { promptTokens: 0, completionTokens: 0, costMicros: 0 },
    })
  }
}

function stopRunning(draft: Draft, turn: RunningTurn, detail: string, partialText: string): void {
  draft.abortModel()
  draft.cancelCalls(turn, detail)
  draft.finishTurn(turn, { outcome: 'stopped', finishReason: 'stop', text: partialText, detail })
}

/** A tool call in flight goes on (stopping it half way is what Stop is for); the model call is aborted and kept for Resume. */
export function pause(draft: Draft, reason: string): void {
  if (draft.state.paused) return
  if (draft.state.turn?.phase === 'model') draft.abortModel()
  draft.record({ kind: 'Paused', reason, partialText: '' })
}

export function resume(draft: Draft): void {
  if (!draft.state.paused) return
  draft.record({ kind: 'Resumed' })
  const { turn } = draft.state
  if (!turn) draft.startNextTurn()
  else if (turn.hold && !draft.state.stepMode) releaseAll(draft, 'resume')
  else if (turn.phase === 'held' && !turn.hold) draft.callModel('resumed')
  // Every call returned while the session was paused: nothing else would ever take the next step.
  else if (turn.phase === 'tools') afterCalls(draft)
}

/** For a turn that seems stuck: the step in flight is cancelled and started again. */
export function nudge(draft: Draft): void {
  const { turn } = draft.state
  // A held step is not stuck: it waits for an operator, whose Step it needs.
  if (!turn || draft.state.paused || turn.phase === 'held') return
  if (turn.phase === 'tools') {
    draft.cancelCalls(turn, 'nudged')
    const now = draft.state.turn
    if (now) continueTurn(draft, now)
  } else {
    draft.callModel('nudged')
  }
}

/** Words of the user while a turn runs: the step in flight ends here and the next one has read them. */
export function intervene(draft: Draft, text: string, partialText: string): void {
  const { turn } = draft.state
  if (!turn) return
  interrupt(draft, turn, 'the user intervened')
  draft.record({ kind: 'Intervened', turnId: turn.request.turnId, text, partialText })
  draft.callModel('intervened')
}

export function inject(draft: Draft, message: InjectedMessage, by: string, why: string, partialText: string): void {
  const { turn } = draft.state
  const record = () =>
    draft.record({
      kind: 'MessageInjected',
      message,
      by,
      why,
      partialText: message.role === 'user' || message.role === 'system' ? partialText : '',
    })
  if (message.role === 'control') {
    record()
    control(draft, message.command, `${why} (${by})`, partialText)
    return
  }
  if (message.role === 'tool') {
    record()
    answerCall(draft, message.callId, message.content)
    return
  }
  if (turn) interrupt(draft, turn, 'a message was injected')
  record()
  if (turn) draft.callModel('injected' satisfies CallReason)
}

/** The same as the user's own command, behind an event that says which operator gave it and why. */
function control(draft: Draft, command: ControlCommand, reason: string, partialText: string): void {
  switch (command.name) {
    case 'stop':
      stop(draft, command.turnId, reason, command.alsoQueued ?? false, partialText)
      break
    case 'pause':
      pause(draft, reason)
      break
    case 'resume':
      resume(draft)
      break
    case 'nudge':
      nudge(draft)
      break
    case 'reset':
      reset(draft, partialText)
      break
    case 'persona':
      switchPersona(draft, command.personaId)
      break
    default:
      assertNever(command)
  }
}

export function switchPersona(draft: Draft, personaId: string): void {
  if (draft.configuration.personas.get(personaId)) draft.record({ kind: 'PersonaSwitched', personaId })
}

/** An operator answers a call in the tool's stead. */
function answerCall(draft: Draft, callId: string, output: string): void {
  const { turn } = draft.state
  const call = turn && runningCalls(turn).find((one) => one.callId === callId || one.modelCallId === callId)
  if (!turn || !call) return
  if (call.started) {
    draft.send({
      to: address('tool', call.callId),
      body: { kind: 'Cancel', v: 1, reason: 'answered by injection' },
      priority: 'control',
    })
  }
  draft.finishCall(turn, call, { status: 'success', output, finishedAt: draft.meta.now })
  afterCalls(draft)
}

function interrupt(draft: Draft, turn: RunningTurn, reason: string): void {
  if (turn.phase === 'model') draft.abortModel()
  draft.cancelCalls(turn, reason)
}

export function reset(draft: Draft, partialText: string): void {
  stop(draft, undefined, 'the session was reset', true, partialText)
  cancelAll(draft, 'the session was reset')
  draft.record({ kind: 'SessionReset' })
}

export function remove(draft: Draft): void {
  stop(draft, undefined, 'the session was deleted', true, '')
  cancelAll(draft, 'the session was deleted')
  endAskedCalls(draft, 'the session was deleted')
  draft.record({ kind: 'SessionDeleted' })
  draft.erase()
}
