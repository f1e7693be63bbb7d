import type { ActorRecipe } from '../actors/kernel/actor.ts'
import { type Address, kindOf, shardKey, shardOf } from '../actors/kernel/address.ts'
import type { Ref } from '../actors/kernel/ref.ts'
import type { WatchedActorSystem } from './actor-system.ts'
import { holder } from './tree.ts'

/** The two levels of the tree above the addressed actors: made when first needed, and they only hold children. */
export class ShardHolders {
  private readonly system: WatchedActorSystem
  private readonly refs = new Map<string, Ref<never>>()

  constructor(system: WatchedActorSystem) {
    this.system = system
  }

  of(address: Address): Ref<never> {
    const kind = kindOf(address)
    const shard = shardOf(address)
    const key = shardKey(kind, shard)
    return (
      this.known(key) ??
      this.hold(key, this.known(kind) ?? this.hold(kind, undefined, kind, 'kind'), `shard-${shard}`, 'shard')
    )
  }

  private known(key: string): Ref<never> | undefined {
    const ref = this.refs.get(key)
    return ref !== undefined && this.system.isRunning(ref) ? ref : undefined
  }

  private hold(key: string, parent: Ref<never> | undefined, name: string, type: string): Ref<never> {
    const recipe: ActorRecipe<never, undefined> = {
      type,
      capacity: 1,
      start: () => undefined,
      receive: () => undefined,
    }
    const ref = this.system.spawn(parent, name, recipe, { supervision: holder })
    this.refs.set(key, ref)
    return ref
  }
}
