import type { Draft } from './draft.ts'
import type { PendingEdit } from './protocol.ts'
import { editable, unsentCalls } from './step-state.ts'
import { afterCalls, sendCall } from './turn.ts'

/**
 * Step mode: an operator sees each step before it happens.
 *   M1. While it is on, no model call begins and no tool call is sent but by a Step that names the hold it releases.
 *   M2. A hold is in the journal, so a crash, a move or sleep leaves it held; nothing of it is pending, so nothing runs.
 *   M3. Looking costs the turn no time: its deadline is put off by as long as it was held.
 *   M4. Stop, Intervene, Inject and Reset reach a held turn as they reach any other.
 */

export function setStepMode(draft: Draft, on: boolean, by: string, why: string): void {
  if (draft.state.stepMode === on) return
  draft.record({ kind: 'StepModeSet', on, by, why })
  // Paused as well, it is Resume that lets it go on.
  if (!on && !draft.state.paused) releaseAll(draft, by)
}

export function step(draft: Draft, hold: number, by: string): void {
  if (draft.state.paused || draft.state.turn?.hold?.hold !== hold) return
  release(draft, by)
}

function release(draft: Draft, by: string): void {
  const { turn } = draft.state
  const hold = turn?.hold
  if (!turn || !hold) return
  const deadline = turn.deadline + Math.max(0, draft.meta.now - hold.since)
  draft.record({ kind: 'StepReleased', turnId: turn.request.turnId, deadline, by })
  if (hold.before === 'model') {
    draft.beginModelCall(hold.reason)
    return
  }
  sendCall(draft, hold.callId)
  afterCalls(draft)
}

/** Step mode is off: what it held goes on, all calls of the step at once. */
export function releaseAll(draft: Draft, by: string): void {
  release(draft, by)
  const { turn } = draft.state
  if (!turn) return
  for (const call of unsentCalls(turn)) sendCall(draft, call.callId)
  afterCalls(draft)
}

export function editPending(draft: Draft, hold: number, edit: PendingEdit, by: string, why: string): void {
  const { turn } = draft.state
  const before = editable(draft.state, edit)
  if (turn?.hold?.hold !== hold || before === undefined) return
  draft.record({ kind: 'PendingEdited', turnId: turn.request.turnId, edit, before, by, why })
}
