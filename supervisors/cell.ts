import type { ActorNode, ActorRecipe, SpawnOptions } from '../actors/kernel/actor.ts'
import type { Address } from '../actors/kernel/address.ts'
import { BoundedMailbox } from '../actors/kernel/bounded-mailbox.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { Failure } from '../actors/kernel/failure.ts'
import { inContext, inNoContext, type MessageContext } from '../actors/kernel/message-context.ts'
import type { Ref, TellResult } from '../actors/kernel/ref.ts'
import type { Supervision } from '../actors/kernel/supervision.ts'
import type { ActorMetrics, Logger } from '../actors/kernel/telemetry.ts'
import type { Incarnation } from './incarnation.ts'
import { dispatch } from './nact.ts'
import { type FailureHistory, noFailures } from './restart-policy.ts'

/** What every cell of a system shares. */
export interface World {
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

/** What a region must know of its actors beyond what any parent may. */
export interface Watch {
  /** Called once, when nothing of the actor runs any more and its name is free. */
  ended(end: Ended): void
  /** The mailbox refused a message and has room again. */
  roomAgain(): void
}

export interface Ended {
  readonly reason: 'stopped' | 'fenced' | 'quarantined' | 'escalated'
  readonly failure?: Failure
  /** Whether the head of `waiting` is the message that failed the actor. */
  readonly failedOnHead: boolean
  /** Undelivered messages in order: instead of onDead, because the region still answers for them (R2). */
  readonly waiting: readonly unknown[]
}

/**
 * An actor as its senders know it: its name, mailbox and standing outlive restarts; an incarnation lives inside.
 *
 *   starting ─▶ running ─▶ stopping ─▶ stopped
 *       ▲          │ failure, or a sibling's
 *       └─ backing-off
 *
 *   C1. One message at a time, one incarnation at a time: the next begins when nothing of the last one runs.
 *   C2. At most one wake-up is with nact; it handles a batch. (One message per macrotask is nact's limit: 0.3-0.5M/s.)
 *   C3. A message handled synchronously costs no await.
 *   C4. Whatever leaves the mailbox is handled, put back, or handed to the dead.
 */
export class Cell {
  readonly world: World
  readonly name: string
  readonly path: string
  readonly address: Address | undefined
  readonly parent: Cell | undefined
  readonly recipe: ActorRecipe<unknown, unknown>
  readonly supervision: Supervision
  readonly mailbox: BoundedMailbox<unknown>
  readonly options: WatchedOptions | undefined
  children: Map<string, Cell> | undefined
  status: 'starting' | 'running' | 'backing-off' | 'stopping' | 'stopped' = 'starting'
  incarnation: Incarnation | undefined
  restarts = 0
  failures: FailureHistory = noFailures
  /** The restart under way; a later one, or a stop, takes its place and the earlier gives up. */
  restart: object | undefined
  stopping: Promise<void> | undefined
  lastHandledAt: number
  private readonly waitingOfType: { count: number }
  /** C2. */
  private awake = false
  private busy = false
  private refused = false
  private quiet: (() => void)[] | undefined
  private holding = false
  private held: unknown
  private heldContext: MessageContext | undefined
  private asks: Map<unknown, (failure: Failure) => void> | undefined

  constructor(
    world: World,
    parent: Cell | undefined,
    name: string,
    recipe: ActorRecipe<unknown, unknown>,
    supervision: Supervision,
    options: WatchedOptions | undefined,
    waitingOfType: { count: number },
  ) {
    this.world = world
    this.parent = parent
    this.name = name
    this.path = `${parent?.path ?? ''}/${name}`
    this.address = options?.address
    this.recipe = recipe
    this.supervision = supervision
    this.options = options
    this.mailbox = new BoundedMailbox(recipe.capacity)
    this.waitingOfType = waitingOfType
    this.lastHandledAt = world.clock.now()
  }

  /** The cell itself, to spare an object per actor; what a ref accepts is checked where its type is known. */
  get ref(): Ref<unknown> {
    return this as unknown as Ref<unknown>
  }

  get isEnding(): boolean {
    return this.status === 'stopping' || this.status === 'stopped'
  }

  private get isAlive(): boolean {
    return this.status === 'running' || this.status === 'starting'
  }

  tell(message: unknown, priority: 'normal' | 'control' | undefined, context: MessageContext | undefined): TellResult {
    if (this.isEnding) {
      this.dead(message, new Failure('ACTOR_STOPPED', this.path))
      return 'stopped'
    }
    const control = this.mailbox.isFull && (priority ?? this.recipe.priorityOf?.(message)) === 'control'
    if (!this.mailbox.offer(message, control, context)) {
      this.refused = true
      return 'mailbox-full'
    }
    this.waitingOfType.count++
    if (!this.awake) this.wake()
    return 'accepted'
  }

  /** Rejects the ask at once if its message dies; see `dead`. */
  expectAnswer(message: unknown, reject: (failure: Failure) => void): () => void {
    this.asks ??= new Map()
    this.asks.set(message, reject)
    return () => this.asks?.delete(message)
  }

  wake(): void {
    if (this.incarnation === undefined || !this.isAlive) return
    this.awake = true
    inNoContext(dispatch, this.incarnation.nact, WAKE)
  }

  /** One wake-up: runs inside the nact actor of the incarnation. What it throws reaches supervise.ts by nact's onCrash. */
  async handleBatch(incarnation: Incarnation): Promise<undefined> {
    if (!this.isAlive) return // woken before its end began
    this.busy = true
    if (!incarnation.started) {
      const state = this.recipe.start(incarnation)
      incarnation.state = state instanceof Promise ? await state : state
      incarnation.started = true
      if (this.status === 'starting') this.status = 'running'
    }
    const { clock, metrics } = this.world
    const { recipe, mailbox } = this
    const { type } = recipe
    const isVoid = incarnation.state === undefined
    let now = clock.now()
    const yieldAt = now + SLICE_MS
    for (let left = BATCH; left > 0 && mailbox.size > 0 && this.status === 'running' && now < yieldAt; left--) {
      const context = mailbox.nextContext
      const message = mailbox.take()
      this.waitingOfType.count--
      this.held = message
      this.heldContext = context
      this.holding = true
      const result =
        context === undefined
          ? recipe.receive(incarnation.state, message, incarnation)
          : inContext(context, () => recipe.receive(incarnation.state, message, incarnation))
      const state = result instanceof Promise ? await result : result // C3
      if (state === undefined && !isVoid) throw new Failure('INTERNAL', `${type}: receive returned no state`)
      incarnation.state = state
      this.holding = false
      const before = now
      now = clock.now()
      metrics.handled(type, 'ok', (now - before) / 1000)
    }
    this.lastHandledAt = now
    this.held = this.heldContext = undefined
    metrics.mailboxDepth(type, this.waitingOfType.count)
    this.endOfBatch()
  }

  /** After a batch, or a failure in one: goes on, or tells those who wait for it. */
  endOfBatch(): void {
    this.busy = false
    this.awake = false
    if (this.status === 'running') {
      if (this.mailbox.size > 0) this.wake()
      else this.mailbox.release()
      if (this.refused && !this.mailbox.isFull) {
        this.refused = false
        this.options?.watch?.roomAgain()
      }
    }
    const waiters = this.quiet
    this.quiet = undefined
    if (waiters !== undefined) for (const waiter of waiters) waiter()
  }

  get isBusy(): boolean {
    return this.busy
  }

  /** Resolves when no handler of this actor runs. */
  whenQuiet(): Promise<void> {
    if (!this.busy) return Promise.resolve()
    return new Promise((resolve) => {
      this.quiet ??= []
      this.quiet.push(resolve)
    })
  }

  /** Whether a message was being handled when the failure struck. */
  get holdsMessage(): boolean {
    return this.holding
  }

  /** C4, for the message in hand. Journaled actors try it again, since their inbox knows whether it was applied. */
  keepHeld(): void {
    if (!this.holding) return
    this.mailbox.putBack(this.held, this.heldContext)
    this.waitingOfType.count++
    this.forgetHeld()
  }

  buryHeld(cause: Failure): void {
    if (!this.holding) return
    const message = this.held
    this.forgetHeld()
    this.dead(message, cause)
  }

  private forgetHeld(): void {
    this.holding = false
    this.held = this.heldContext = undefined
  }

  /** C4: nothing is dropped in silence (I8). */
  dead(message: unknown, cause: Failure): void {
    const { metrics, log } = this.world
    metrics.handled(this.recipe.type, 'dead', 0)
    this.asks?.get(message)?.(cause)
    const onDead = this.options?.onDead
    if (onDead === undefined) {
      log.warn({ actor: this.path, type: this.recipe.type, code: cause.code, detail: cause.detail }, 'message is dead')
      return
    }
    try {
      onDead(message, cause)
    } catch (error) {
      log.error({ actor: this.path, err: error }, 'onDead failed')
    }
  }

  takeAll(): unknown[] {
    const rest = this.mailbox.drain()
    this.waitingOfType.count -= rest.length
    return rest
  }

  node(): ActorNode {
    return {
      path: this.path,
      type: this.recipe.type,
      ...(this.address === undefined ? {} : { address: this.address }),
      state: this.status === 'stopped' ? 'stopping' : this.status,
      mailbox: this.mailbox.size,
      restarts: this.restarts,
      children: this.children === undefined ? [] : [...this.children.values()].map((child) => child.node()),
    }
  }
}

const WAKE = {}
/** 32 already gives ten times nact's rate; more only makes neighbours wait. */
const BATCH = 64
/** Slow synchronous handlers yield before the batch is done. */
const SLICE_MS = 8
