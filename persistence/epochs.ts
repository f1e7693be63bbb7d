import type { ActorKind } from '../actors/kernel/address.ts'

/**
 * Who owns which shard. The epoch is the fencing token: an append takes a share lock on its shard's row and compares,
 * so a takeover waits for appends in flight and everything the old owner tries afterwards writes nothing (I2).
 *   E1. An epoch only rises, by one at each change of owner.
 *   E2. Of several nodes that take over a shard seen at the same epoch, exactly one gets it.
 */
export interface Epochs {
  /** Takes these shards whoever has them: for a process that is alone on its database. */
  claim(nodeId: string, kind: ActorKind, shards: readonly number[]): Promise<ShardLease[]>
  /** Takes each of these shards unless its epoch has moved on since it was seen (0: never owned); returns those it got. */
  takeOver(nodeId: string, seen: readonly ShardLease[]): Promise<ShardLease[]>
  /** Gives shards up, so that another node may take them at once. One that was taken over meanwhile is left alone. */
  release(leases: readonly ShardLease[]): Promise<void>
  list(kind: ActorKind): Promise<ShardLease[]>
}

export interface ShardLease {
  readonly kind: ActorKind
  readonly shard: number
  /** Id of the node; empty when it was released. */
  readonly owner: string
  readonly epoch: number
}
