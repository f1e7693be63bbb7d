import type { ActorRecipe, SpawnOptions } from '../actors/kernel/actor.ts'
import type { Address } from '../actors/kernel/address.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { Failure } from '../actors/kernel/failure.ts'
import type { ActorMetrics, Logger } from '../actors/kernel/telemetry.ts'
import type { Cell } from './cell.ts'
import type { WakeUps } from './wake-ups.ts'

/** What every cell of a system shares. */
export interface World {
  readonly wakeUps: WakeUps
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly metrics: ActorMetrics
  spawn<M, S>(parent: Cell | undefined, name: string, recipe: ActorRecipe<M, S>, options?: WatchedOptions): Cell
  childrenOf(parent: Cell | undefined): Map<string, Cell>
  begin(cell: Cell): void
  /** Nothing of it runs any more: its name is free. */
  removed(cell: Cell): void
  /** The actor wishes to end: a stop, or for a permanent one a restart. */
  exit(cell: Cell): void
  /** A failure that has no supervisor above it. */
  escalated(failure: Failure, path: string): void
}

export interface WatchedOptions extends SpawnOptions {
  readonly watch?: Watch
}

/** What a region must know of its actors beyond what any parent may. One for all of them: it is told the address. */
export interface Watch {
  /** Called once, when nothing of the actor runs any more and its name is free. */
  ended(address: Address, end: Ended): void
  /** The mailbox refused a message and has room again. */
  roomAgain(address: Address): void
}

export interface Ended {
  readonly reason: 'stopped' | 'fenced' | 'quarantined' | 'escalated'
  readonly failure?: Failure
  /** Whether the head of `waiting` is the message that failed the actor. */
  readonly failedOnHead: boolean
  /** Undelivered messages in order: instead of onDead, because the region still answers for them (R2). */
  readonly waiting: readonly unknown[]
}

/** Messages that wait for all actors of a type. Set at most once a millisecond: a gauge costs as much as a message. */
export class DepthGauge {
  count = 0
  private shown = 0
  private shownAt = 0
  private readonly type: string
  private readonly metrics: ActorMetrics

  constructor(type: string, metrics: ActorMetrics) {
    this.type = type
    this.metrics = metrics
  }

  publish(now: number): void {
    if (this.count === this.shown || (now === this.shownAt && this.count > 0)) return
    this.shown = this.count
    this.shownAt = now
    this.metrics.mailboxDepth(this.type, this.count)
  }
}
