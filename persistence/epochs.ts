import type { ActorKind } from '../actors/kernel/address.ts'

/**
 * Who owns which shard. The epoch is the fencing token: an append takes a share lock on its shard's row and compares,
 * so a takeover waits for appends in flight and everything the old owner tries afterwards writes nothing (I2).
 */
export interface Epochs {
  /** Registers this node until `expiresAt`, or renews it. */
  heartbeat(nodeId: string, expiresAt: number, detail: Readonly<Record<string, unknown>>): Promise<void>
  /** Takes these shards (all of the kind by default), raising each epoch by one. */
  claim(nodeId: string, kind: ActorKind, shards: readonly number[]): Promise<ShardLease[]>
  list(kind: ActorKind): Promise<ShardLease[]>
}

export interface ShardLease {
  readonly kind: ActorKind
  readonly shard: number
  readonly owner: string
  readonly epoch: number
}
