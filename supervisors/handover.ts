import { type ActorKind, type Address, kindOf, shardKey, shardOf } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { WatchedActorSystem } from './actor-system.ts'
import type { Lane } from './lane.ts'
import { letFinish, within } from './let-finish.ts'

/**
 * Shards on their way to another node, and how the actors of a set of lanes leave.
 *   H1. What an actor of a leaving shard has not handled stays unsettled: the next owner reads it from the log.
 *   H2. No actor of a leaving shard is started again here, whatever reaches it.
 */
export class Handover {
  private readonly parts: { readonly clock: Clock; readonly system: WatchedActorSystem }
  private readonly going = new Set<string>()

  constructor(parts: { readonly clock: Clock; readonly system: WatchedActorSystem }) {
    this.parts = parts
  }

  isGoing(address: Address): boolean {
    return this.going.size > 0 && this.going.has(shardKey(kindOf(address), shardOf(address)))
  }

  begin(kind: ActorKind, shards: readonly number[]): void {
    for (const shard of shards) this.going.add(shardKey(kind, shard))
  }

  /** The shards are owned here again. */
  cancel(kind: ActorKind, shards: readonly number[]): void {
    for (const shard of shards) this.going.delete(shardKey(kind, shard))
  }

  /** Lets busy actors finish what their kind wants finished, then stops them all, within the bound. */
  async leave(
    lanes: readonly Lane[],
    timeoutMs: number,
    stop: (lane: Lane) => void,
    alsoWaitFor: () => Promise<unknown> = async () => {},
  ): Promise<void> {
    const finishing = letFinish(lanes, this.parts)
    if (finishing) await finishing
    for (const lane of lanes) stop(lane)
    // Asked only when they have stopped: what they leave behind as they stop is waited for too.
    await within(timeoutMs, Promise.all(lanes.map(({ left }) => left)).then(alsoWaitFor), this.parts.clock)
  }
}
