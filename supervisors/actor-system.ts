import type { ActorNode, ActorRecipe, ActorSystem } from '../actors/kernel/actor.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { Failure } from '../actors/kernel/failure.ts'
import { type MessageContext, messageContext } from '../actors/kernel/message-context.ts'
import type { Ref, TellResult } from '../actors/kernel/ref.ts'
import type { Supervision } from '../actors/kernel/supervision.ts'
import type { ActorMetrics, Logger } from '../actors/kernel/telemetry.ts'
import { Cell } from './cell.ts'
import { begin, finish } from './lifecycle.ts'
import { startNact, stopNact } from './nact.ts'
import { exit } from './supervise.ts'
import { modelCall } from './tree.ts'
import { WakeUps } from './wake-ups.ts'
import { DepthGauge, type WatchedOptions, type World } from './world.ts'

export interface ActorSystemOptions {
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly metrics: ActorMetrics
  /** For actors spawned without their own. Default: temporary. */
  readonly supervision?: Supervision
  /** A failure that no supervisor could mend: the process should end, and be started again. Default: logged. */
  readonly escalated?: (failure: Failure, path: string) => void
}

/** What a region needs beyond the contract. */
export interface WatchedActorSystem extends ActorSystem {
  spawn<M, S>(parent: Ref<never> | undefined, name: string, recipe: ActorRecipe<M, S>, options?: WatchedOptions): Ref<M>
  /** `tell`, in a context that is the message's own instead of the caller's. */
  tellIn<M>(context: MessageContext | undefined, ref: Ref<M>, message: M, priority?: 'normal' | 'control'): TellResult
  /** The state between two messages; undefined while one is handled, and when there is none. */
  restingState(ref: Ref<never>): { readonly state: unknown; readonly since: number } | undefined
}

let systems = 0

export function createActorSystem(options: ActorSystemOptions): WatchedActorSystem {
  const { clock, ids, log, metrics } = options
  const nactRoot = startNact({ name: `soma-${systems++}` })
  const roots = new Map<string, Cell>()
  const waiting = new Map<string, DepthGauge>()

  function waitingOf(type: string) {
    const counter = waiting.get(type) ?? new DepthGauge(type, metrics)
    waiting.set(type, counter)
    return counter
  }

  const world: World = {
    wakeUps: new WakeUps(),
    clock,
    ids,
    log,
    metrics,
    exit,
    begin: (cell) => begin(cell, nactRoot),
    childrenOf: (parent) => parent?.children ?? roots,
    removed(cell) {
      world.childrenOf(cell.parent).delete(cell.name)
      metrics.active(cell.recipe.type, -1)
    },
    escalated(failure, path) {
      log.error({ actor: path, code: failure.code, detail: failure.detail }, 'no supervisor is left to mend this')
      options.escalated?.(failure, path)
    },
    spawn(parent, name, recipe, spawnOptions) {
      if (isClosed || parent?.isEnding) throw new Failure('ACTOR_STOPPED', parent?.path ?? 'the actor system')
      if (parent !== undefined) parent.children ??= new Map()
      const siblings = world.childrenOf(parent)
      const taken = siblings.get(name)
      if (taken !== undefined) throw new Failure('INTERNAL', `${taken.path} exists and is ${taken.status}`)
      const supervision = spawnOptions?.supervision ?? options.supervision ?? modelCall
      const untyped = recipe as unknown as ActorRecipe<unknown, unknown>
      const cell = new Cell(world, parent, name, untyped, supervision, spawnOptions, waitingOf(recipe.type))
      siblings.set(name, cell)
      metrics.active(recipe.type, 1)
      begin(cell, nactRoot)
      return cell
    },
  }
  let isClosed = false

  return {
    spawn: (parent, name, recipe, spawnOptions) =>
      world.spawn(parent && cellOf(parent), name, recipe, spawnOptions).ref,
    tell: (ref, message, priority) => cellOf(ref).tell(message, priority, messageContext()),
    tellIn: (context, ref, message, priority) => cellOf(ref).tell(message, priority, context),
    ask: (ref, make, timeoutMs) => ask(cellOf(ref), make, timeoutMs),
    stop: (ref) => finish(cellOf(ref), 'stopped'),
    isRunning: (ref) => !cellOf(ref).isEnding,
    mailboxDepth: (ref) => cellOf(ref).mailbox.size,
    restingState(ref) {
      const cell = cellOf(ref)
      const { incarnation } = cell
      if (cell.status !== 'running' || cell.isBusy || incarnation === undefined || !incarnation.started)
        return undefined
      return { state: incarnation.state, since: cell.lastHandledAt }
    },
    tree: (): ActorNode[] => [...roots.values()].map(nodeOf),
    async shutdown() {
      isClosed = true
      // One after another: roots are started in the order of who needs whom.
      for (const cell of [...roots.values()].reverse()) await finish(cell, 'stopped')
      stopNact(nactRoot)
    },
  }
}

function nodeOf(cell: Cell): ActorNode {
  return {
    path: cell.path,
    type: cell.recipe.type,
    ...(cell.address === undefined ? {} : { address: cell.address }),
    state: cell.status === 'stopped' ? 'stopping' : cell.status,
    mailbox: cell.mailbox.size,
    restarts: cell.restarts,
    children: cell.children === undefined ? [] : [...cell.children.values()].map(nodeOf),
  }
}

function cellOf(ref: Ref<never>): Cell {
  return ref as unknown as Cell
}

/** The answer may come late or never: the deadline ends the wait, not the handler, whose late answer is ignored. */
function ask<M, R>(cell: Cell, make: (reply: (answer: R) => void) => M, timeoutMs: number): Promise<R> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      cancel()
      forget()
      then()
    }
    const message = make((answer) => settle(() => resolve(answer)))
    const cancel = cell.world.clock.after(timeoutMs, () =>
      settle(() => reject(new Failure('ASK_TIMEOUT', `${cell.path} did not answer within ${timeoutMs} ms`))),
    )
    const forget = cell.expectAnswer(message, (failure) => settle(() => reject(failure)))
    if (cell.tell(message, undefined, messageContext()) === 'mailbox-full') {
      settle(() => reject(new Failure('MAILBOX_FULL', cell.path, { retryAfter: 1 })))
    }
  })
}
