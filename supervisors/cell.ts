import type { ActorRecipe } from '../actors/kernel/actor.ts'
import type { Address } from '../actors/kernel/address.ts'
import { BoundedMailbox } from '../actors/kernel/bounded-mailbox.ts'
import { Failure } from '../actors/kernel/failure.ts'
import { inContext, type MessageContext } from '../actors/kernel/message-context.ts'
import type { Ref, TellResult } from '../actors/kernel/ref.ts'
import type { Supervision } from '../actors/kernel/supervision.ts'
import type { Incarnation } from './incarnation.ts'
import { type FailureHistory, noFailures } from './restart-policy.ts'
import type { DepthGauge, Watch, WatchedOptions, World } from './world.ts'

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
  readonly address: Address | undefined
  readonly parent: Cell | undefined
  readonly recipe: ActorRecipe<unknown, unknown>
  readonly supervision: Supervision
  readonly mailbox: BoundedMailbox<unknown>
  readonly onDead: WatchedOptions['onDead']
  readonly watch: Watch | undefined
  children: Map<string, Cell> | undefined
  status: 'starting' | 'running' | 'backing-off' | 'stopping' | 'stopped' = 'starting'
  incarnation: Incarnation | undefined
  restarts = 0
  failures: FailureHistory = noFailures
  /** The restart under way; a later one, or a stop, takes its place and the earlier gives up. */
  restart: object | undefined
  stopping: Promise<void> | undefined
  lastHandledAt: number
  private readonly waitingOfType: DepthGauge
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
    waitingOfType: DepthGauge,
  ) {
    this.world = world
    this.parent = parent
    this.name = name
    this.address = options?.address
    this.recipe = recipe
    this.supervision = supervision
    this.onDead = options?.onDead
    this.watch = options?.watch
    this.mailbox = new BoundedMailbox(recipe.capacity)
    this.waitingOfType = waitingOfType
    this.lastHandledAt = world.clock.now()
  }

  get path(): string {
    return `${this.parent?.path ?? ''}/${this.name}`
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
    this.world.wakeUps.add(this.incarnation)
  }

  /**
   * One wake-up: runs inside the nact actor of the incarnation. What it throws reaches supervise.ts by nact's onCrash.
   * A promise only if a handler returned one (C3).
   */
  handleBatch(incarnation: Incarnation): Promise<void> | undefined {
    if (!this.isAlive) return undefined // woken before its end began
    this.busy = true
    if (!incarnation.started) {
      const state = this.recipe.start(incarnation)
      if (state instanceof Promise) return state.then((awaited) => this.begun(incarnation, awaited))
      return this.begun(incarnation, state)
    }
    return this.handleAll(incarnation)
  }

  private begun(incarnation: Incarnation, state: unknown): Promise<void> | undefined {
    incarnation.state = state
    incarnation.isVoid = state === undefined
    incarnation.started = true
    if (this.status === 'starting') this.status = 'running'
    return this.handleAll(incarnation)
  }

  private handleAll(incarnation: Incarnation): Promise<void> | undefined {
    const startedAt = this.world.clock.now()
    const yieldAt = startedAt + SLICE_MS
    const { clock, metrics } = this.world
    const { type } = this.recipe
    let now = startedAt
    for (let left = BATCH; left > 0 && this.hasNext && now < yieldAt; left--) {
      const state = this.receiveNext(incarnation)
      if (state instanceof Promise) return this.handleRest(incarnation, state, left, now, yieldAt)
      this.handled(incarnation, state)
      const before = now
      now = clock.now()
      metrics.handled(type, 'ok', (now - before) / 1000)
    }
    this.batchDone(now)
    return undefined
  }

  /** The same, from the first message on whose handler takes its time. */
  private async handleRest(
    incarnation: Incarnation,
    first: Promise<unknown>,
    budget: number,
    startedAt: number,
    yieldAt: number,
  ): Promise<void> {
    const { clock, metrics } = this.world
    const { type } = this.recipe
    let now = startedAt
    let state: unknown = first
    for (let left = budget; ; ) {
      this.handled(incarnation, state instanceof Promise ? await state : state)
      const before = now
      now = clock.now()
      metrics.handled(type, 'ok', (now - before) / 1000)
      if (--left <= 0 || !this.hasNext || now >= yieldAt) break
      state = this.receiveNext(incarnation)
    }
    this.batchDone(now)
  }

  private get hasNext(): boolean {
    return this.mailbox.size > 0 && this.status === 'running'
  }

  private receiveNext(incarnation: Incarnation): unknown {
    const { mailbox, recipe } = this
    const context = mailbox.nextContext
    const message = mailbox.take()
    this.waitingOfType.count--
    this.held = message
    this.heldContext = context
    this.holding = true
    if (context === undefined) return recipe.receive(incarnation.state, message, incarnation)
    return inContext(context, () => recipe.receive(incarnation.state, message, incarnation))
  }

  private batchDone(now: number): void {
    this.lastHandledAt = now
    this.held = this.heldContext = undefined
    this.waitingOfType.publish(now)
    this.endOfBatch()
  }

  private handled(incarnation: Incarnation, state: unknown): void {
    if (state === undefined && !incarnation.isVoid) {
      throw new Failure('INTERNAL', `${this.recipe.type}: receive returned no state`)
    }
    incarnation.state = state
    this.holding = false
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
        this.watch?.roomAgain(this.address as Address)
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
    const { onDead } = this
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
}

/** 32 already gives ten times nact's rate; more only makes neighbours wait. */
const BATCH = 64
/** Slow synchronous handlers yield before the batch is done. */
const SLICE_MS = 8
