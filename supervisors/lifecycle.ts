import type { Address } from '../actors/kernel/address.ts'
import { Failure, type FailureCode } from '../actors/kernel/failure.ts'
import type { Cell } from './cell.ts'
import { Incarnation } from './incarnation.ts'
import { type NactRef, stopNact } from './nact.ts'
import { spawnIncarnation } from './supervise.ts'
import type { Ended } from './world.ts'

/**
 * How lives of an actor begin and end.
 *   L1. An end waits for the children, the running handler and the stop hook, in this order; only then is the name free and
 *       may another life begin. nact's stop waits for none of them, overlaps two activations of one name, and
 *       forgets the children.
 *   L2. A stop is bounded: after shutdownMs it resolves and the actor is reported. L1 still holds for the abandoned.
 *   L3. A stop that meets a restart wins.
 */
let incarnations = 0

export function begin(cell: Cell, nactRoot: NactRef): void {
  const incarnation = new Incarnation(cell)
  const { parent } = cell
  const nactParent = parent?.incarnation?.nactParentOf(parent.children?.size ?? 0) ?? nactRoot
  cell.status = 'starting'
  cell.restart = undefined
  // nact's names allow few characters and its paths are never shown; ours are the cell's.
  incarnation.nact = spawnIncarnation(nactParent, (incarnations++).toString(36))
  cell.incarnation = incarnation
  cell.wake()
}

/** Ends the present life, if there is one. Resolves when nothing of it runs (L1). */
export function end(cell: Cell, hook: boolean): Promise<void> {
  const { incarnation } = cell
  if (incarnation === undefined) return Promise.resolve()
  incarnation.ending ??= endOf(cell, incarnation, hook)
  return incarnation.ending
}

async function endOf(cell: Cell, incarnation: Incarnation, hook: boolean): Promise<void> {
  incarnation.abortNow()
  if (cell.children !== undefined && cell.children.size > 0) {
    // At once, not one after another: a parent of thousands would take thousands of bounds.
    await Promise.all([...cell.children.values()].reverse().map((child) => finish(child, 'stopped')))
  }
  await cell.whenQuiet()
  if (hook && incarnation.started && cell.recipe.stop !== undefined) {
    try {
      await cell.recipe.stop(incarnation.state, incarnation)
    } catch (error) {
      cell.world.log.error({ actor: cell.path, err: error }, 'the stop hook failed')
    }
  }
  stopNact(incarnation.nact)
  cell.incarnation = undefined
}

/** Ends the actor for good. */
export function finish(cell: Cell, reason: Ended['reason'], failure?: Failure, failedOnHead = false): Promise<void> {
  if (cell.stopping !== undefined) return cell.stopping
  const { world } = cell
  cell.status = 'stopping'
  cell.restart = undefined // L3
  const done = leave(cell, reason, failure, failedOnHead)
  cell.stopping = new Promise((resolve) => {
    const cancel = world.clock.after(cell.supervision.shutdownMs, () => {
      world.log.error({ actor: cell.path, shutdownMs: cell.supervision.shutdownMs }, 'does not stop: abandoned')
      resolve()
    })
    void done.then(() => {
      cancel()
      resolve()
    })
  })
  return cell.stopping
}

async function leave(cell: Cell, reason: Ended['reason'], failure: Failure | undefined, failedOnHead: boolean) {
  await end(cell, failure === undefined)
  cell.status = 'stopped'
  const waiting = cell.takeAll()
  cell.world.removed(cell)
  const { watch } = cell
  if (watch !== undefined) {
    try {
      watch.ended(cell.address as Address, {
        reason,
        failedOnHead,
        waiting,
        ...(failure === undefined ? {} : { failure }),
      })
    } catch (error) {
      cell.world.log.error({ actor: cell.path, err: error, left: waiting.length }, 'nobody took what was left')
    }
    return
  }
  if (waiting.length === 0) return // the usual case, and a failure takes a stack trace to make
  const cause = failure ?? new Failure('ACTOR_STOPPED', cell.path)
  for (const message of waiting) cell.dead(message, cause)
}

/** Restarts the failed actor and, by its strategy, its siblings: ended in reverse order of start, begun in order. */
export async function restartGroup(failed: Cell, afterMs: number, reason: FailureCode | 'exit'): Promise<void> {
  const group = groupOf(failed)
  const ticket = {}
  for (const cell of group) {
    if (cell !== failed && cell.supervision.restart === 'temporary') void finish(cell, 'stopped')
    else if (!cell.isEnding) {
      cell.restart = ticket
      cell.status = 'backing-off'
    }
  }
  for (const cell of [...group].reverse()) await (cell.stopping ?? end(cell, cell !== failed || reason === 'exit'))
  const again = () => {
    for (const cell of group) {
      if (cell.restart !== ticket) continue // L3, or a sibling's failure came between
      cell.restarts++
      cell.world.metrics.restarted(cell.recipe.type, cell === failed ? reason : 'sibling')
      cell.world.begin(cell)
    }
  }
  if (afterMs === 0) again()
  else failed.world.clock.after(afterMs, again)
}

function groupOf(failed: Cell): readonly Cell[] {
  if (failed.supervision.strategy === 'one-for-one') return [failed]
  const siblings = [...failed.world.childrenOf(failed.parent).values()]
  return failed.supervision.strategy === 'one-for-all' ? siblings : siblings.slice(siblings.indexOf(failed))
}
