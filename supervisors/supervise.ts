import { asFailure, type Failure } from '../actors/kernel/failure.ts'
import type { Cell } from './cell.ts'
import { decide } from './decider.ts'
import type { Incarnation } from './incarnation.ts'
import { finish, restartGroup } from './lifecycle.ts'
import { dispatch, type NactRef, type NactSupervision, spawnNact } from './nact.ts'
import { judge } from './restart-policy.ts'

/**
 * What becomes of an actor that fails. The only file that touches nact's onCrash, which always answers `resume`: that
 * leaves the actor inert, since a failed incarnation ignores its wake-ups, until lifecycle.ts has ended it in order.
 * None of nact's other answers is safe. `stop` forgets the children, which then run on, unreachable; reset brings back
 * the first state and drops the message; the `…All` forms run two handlers of one actor at once; escalate after a stop
 * is an unhandled rejection; and nothing limits any of them. Its afterStop is not needed: what waits is in our mailbox.
 *   S1. onCrash never throws and never waits.
 *   S2. The failing message is put back at the head (addressed actors), or handed to the dead; never forgotten.
 *   S3. What is beyond mending is quarantined (addressed) or escalated; never restarted for ever.
 */
export function spawnIncarnation(parent: NactRef, name: string): NactRef {
  return spawnNact<undefined, Incarnation | Escalation>(parent, handle, name, { onCrash })
}

function handle(_: undefined, message: Incarnation | Escalation): Promise<void> | undefined {
  if (message instanceof Escalation) throw message.failure
  return message.cell.handleBatch(message)
}

function onCrash(message: Incarnation | Escalation, error: unknown, context: NactSupervision): symbol {
  const incarnation = message instanceof Escalation ? message.to : message
  const { cell } = incarnation
  try {
    if (cell.incarnation === incarnation) crashed(cell, incarnation, asFailure(error))
  } catch (defect) {
    cell.world.log.error({ actor: cell.path, err: defect }, 'supervision failed; the actor stops')
    void finish(cell, 'stopped')
    cell.endOfBatch()
  }
  return context.resume as unknown as symbol
}

/** A child that is beyond mending is a failure of its parent, struck between two of its messages. */
export function escalate(cell: Cell, failure: Failure): void {
  const { parent, world } = cell
  world.log.error({ actor: cell.path, code: failure.code, detail: failure.detail }, 'beyond mending: escalates')
  if (parent === undefined) world.escalated(failure, cell.path)
  else if (parent.incarnation !== undefined && !parent.isEnding)
    dispatch(parent.incarnation.nact, new Escalation(parent.incarnation, failure))
}

class Escalation {
  readonly to: Incarnation
  readonly failure: Failure
  constructor(to: Incarnation, failure: Failure) {
    this.to = to
    this.failure = failure
  }
}

function crashed(cell: Cell, incarnation: Incarnation, failure: Failure): void {
  const { world, supervision, recipe } = cell
  world.metrics.handled(recipe.type, 'failed', 0)
  const verdict = cell.isEnding || cell.restart !== undefined ? 'ending' : verdictOn(cell, incarnation, failure)
  if (verdict === 'resume') {
    cell.buryHeld(failure)
    cell.endOfBatch()
    return
  }
  const failedOnHead = cell.holdsMessage
  if (cell.address === undefined) cell.buryHeld(failure)
  else cell.keepHeld() // S2
  const fields = { actor: cell.path, type: recipe.type, code: failure.code, err: failure.cause ?? failure }
  if (verdict === 'ending') {
    world.log.warn(fields, 'failed while it was ending')
  } else if (verdict === 'stop') {
    if (failure.disposition !== 'passivate') world.log.warn(fields, 'failed; not restarted')
    void finish(cell, failure.disposition === 'passivate' ? 'fenced' : 'stopped', failure, failedOnHead)
  } else if (verdict === 'escalate') {
    void finish(cell, 'escalated', failure, failedOnHead).then(() => escalate(cell, failure))
  } else if (verdict === 'quarantine') {
    world.log.error(fields, `failed more than ${supervision.intensity} times: quarantined`)
    void finish(cell, 'quarantined', failure, failedOnHead)
  } else {
    world.log.warn({ ...fields, restartAfterMs: verdict.restartAfterMs }, 'failed; restarts')
    void restartGroup(cell, verdict.restartAfterMs, failure.code)
  }
  cell.endOfBatch()
}

function verdictOn(
  cell: Cell,
  incarnation: Incarnation,
  failure: Failure,
): 'resume' | 'stop' | 'escalate' | 'quarantine' | { readonly restartAfterMs: number } {
  const { supervision, world } = cell
  const decision = decide(failure)
  if (decision.directive === 'stop' || decision.directive === 'escalate') return decision.directive
  // A failing start has no state to go on with, whoever is at fault.
  if (decision.directive === 'resume' && incarnation.started && cell.holdsMessage) return 'resume'
  if (supervision.restart === 'temporary') return 'stop'
  const { verdict, history } = judge(cell.failures, supervision, {
    counts: decision.counts || decision.directive === 'resume',
    atOnce: decision.atOnce,
    now: world.clock.now(),
    random: world.ids.random(),
  })
  cell.failures = history
  if (verdict !== 'beyond-mending') return verdict
  return cell.address === undefined ? 'escalate' : 'quarantine' // S3
}

/** stopSelf: an ordinary end, but a permanent actor is not meant to end (counted, or it could do so for ever). */
export function exit(cell: Cell): void {
  if (cell.isEnding || cell.restart !== undefined) return
  if (cell.supervision.restart !== 'permanent') {
    void finish(cell, 'stopped')
    return
  }
  const { verdict, history } = judge(cell.failures, cell.supervision, {
    counts: true,
    atOnce: false,
    now: cell.world.clock.now(),
    random: cell.world.ids.random(),
  })
  cell.failures = history
  const failure = asFailure(new Error(`${cell.path} is permanent and stopped itself`))
  if (verdict !== 'beyond-mending') void restartGroup(cell, verdict.restartAfterMs, 'exit')
  else if (cell.address !== undefined) void finish(cell, 'quarantined', failure)
  else void finish(cell, 'escalated', failure).then(() => escalate(cell, failure))
}
