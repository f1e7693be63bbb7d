import type { ActorContext, ActorRecipe, SpawnOptions } from '../actors/kernel/actor.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Ref } from '../actors/kernel/ref.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Cell } from './cell.ts'
import { type NactRef, spawnNact } from './nact.ts'

/** One life of an actor, from start to crash or stop: its nact actor, its state, and the context that its recipe sees. */
export class Incarnation implements ActorContext<unknown> {
  readonly cell: Cell
  nact!: NactRef
  state: unknown = undefined
  started = false
  /** Its first state was undefined: then, and only then, later ones may be. */
  isVoid = false
  /** Set once its end has begun; everyone who ends it awaits the same one. */
  ending: Promise<void> | undefined
  private overflow: NactRef | undefined
  private abort: AbortController | undefined
  private logger: Logger | undefined

  constructor(cell: Cell) {
    this.cell = cell
  }

  get self(): Ref<unknown> {
    return this.cell.ref
  }
  get path() {
    return this.cell.path
  }
  get address() {
    return this.cell.address
  }
  get clock() {
    return this.cell.world.clock
  }
  get ids() {
    return this.cell.world.ids
  }

  /** Made when asked for: an AbortController is 1 KB that most actors never need. */
  get signal(): AbortSignal {
    this.abort ??= new AbortController()
    if (this.ending !== undefined || this.cell.isEnding) this.abort.abort(stopped(this.cell))
    return this.abort.signal
  }

  get log(): Logger {
    this.logger ??= this.cell.world.log.child({ actor: this.cell.path, type: this.cell.recipe.type })
    return this.logger
  }

  spawn<M, S>(name: string, recipe: ActorRecipe<M, S>, options?: SpawnOptions): Ref<M> {
    // A stray promise of a former life must not give children to the present one.
    if (this.cell.incarnation !== this || this.cell.isEnding) throw stopped(this.cell)
    return this.cell.world.spawn(this.cell, name, recipe, options).ref
  }

  stopSelf(): void {
    if (this.cell.incarnation === this) this.cell.world.exit(this.cell)
  }

  abortNow(): void {
    this.abort?.abort(stopped(this.cell))
  }

  /**
   * The nact actor that children of this one live under. nact copies the whole children map of an actor at every message
   * that actor handles (20,000 children: 3.2 ms a message), so beyond a few they live under one that handles none.
   */
  nactParentOf(children: number): NactRef {
    if (children <= DIRECT_CHILDREN) return this.nact
    this.overflow ??= spawnNact(this.nact, () => undefined, 'overflow', {})
    return this.overflow
  }
}

const DIRECT_CHILDREN = 16

function stopped(cell: Cell): Failure {
  return new Failure('ACTOR_STOPPED', cell.path)
}
