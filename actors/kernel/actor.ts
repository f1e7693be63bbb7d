import type { Address } from './address.ts'
import type { Clock, Ids } from './clock.ts'
import type { Ref, TellResult } from './ref.ts'
import type { Supervision } from './supervision.ts'
import type { Logger } from './telemetry.ts'

/**
 * How a local actor is made. `receive` runs one message at a time and must be short: long work belongs to a child
 * whose result comes back as a message (docs/ARCHITECTURE.md, "Long work").
 */
export interface ActorRecipe<Message, State> {
  /** Metric label and log field: `session`, `tool`, `model-call`… */
  readonly type: string
  /** Messages that may wait. A tenth more is kept in reserve for control messages. */
  readonly capacity: number
  /** Builds the first state; awaited before the first message. A throw here is a failure that the supervisor sees. */
  start(context: ActorContext<Message>): State | Promise<State>
  receive(state: State, message: Message, context: ActorContext<Message>): State | Promise<State>
  /** Runs once, after the message being handled is done and before the ref reports `stopped`. */
  stop?(state: State, context: ActorContext<Message>): void | Promise<void>
  /** `control` messages may use the reserve of a full mailbox. Default: every message is `normal`. */
  priorityOf?(message: Message): 'normal' | 'control'
}

export interface ActorContext<Message> {
  readonly self: Ref<Message>
  readonly path: string
  readonly address: Address | undefined
  /** Aborted when this actor is asked to stop; hand it to everything that waits. */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly clock: Clock
  readonly ids: Ids
  /** Starts a child under this actor. It stops when this one stops. Default supervision: temporary (never restarted). */
  spawn<M, S>(name: string, recipe: ActorRecipe<M, S>, options?: SpawnOptions): Ref<M>
  /** Stops this actor after the current message. */
  stopSelf(): void
}

export interface SpawnOptions {
  readonly address?: Address
  readonly supervision?: Supervision
  /** Called with every message that can no longer be handled (queued at stop, poison, told after stop). */
  readonly onDead?: (message: unknown, cause: unknown) => void
}

/** The actors of one process: a nact system with our promises on top (supervisors/actor-system.ts). */
export interface ActorSystem {
  spawn<M, S>(parent: Ref<never> | undefined, name: string, recipe: ActorRecipe<M, S>, options?: SpawnOptions): Ref<M>
  tell<M>(ref: Ref<M>, message: M, priority?: 'normal' | 'control'): TellResult
  /** Sends `make(reply)` and waits. Rejects with ASK_TIMEOUT at the deadline, or at once with ACTOR_STOPPED or MAILBOX_FULL. */
  ask<M, R>(ref: Ref<M>, make: (reply: (answer: R) => void) => M, timeoutMs: number): Promise<R>
  /** Stops the actor and its children, children first; resolves when the running handler and `stop` hooks are done. */
  stop(ref: Ref<never>): Promise<void>
  isRunning(ref: Ref<never>): boolean
  mailboxDepth(ref: Ref<never>): number
  /** The live supervision tree, for `soma tree` and the console. */
  tree(): ActorNode[]
  /** Stops everything, in reverse order of start. */
  shutdown(): Promise<void>
}

export interface ActorNode {
  readonly path: string
  readonly type: string
  readonly address?: Address
  readonly state: 'starting' | 'running' | 'backing-off' | 'stopping'
  readonly mailbox: number
  readonly restarts: number
  readonly children: readonly ActorNode[]
}
