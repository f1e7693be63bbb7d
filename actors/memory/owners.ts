import type { Address } from '../kernel/address.ts'
import type { IndexHit, IndexQuery } from './index/memory-index.ts'
import type { MemoryOutcome } from './protocol.ts'

/** Whoever owns the shards, wherever that is: the actors of this process (live-shards.ts), or nodes of a cluster by links. */
export interface MemoryOwners {
  /** An answer for each address, in their order. Never rejects: a shard that cannot be asked says why. */
  search(addresses: readonly Address[], query: IndexQuery, timeoutMs: number): Promise<readonly ShardAnswer[]>
  /**
   * What became of an envelope, once it is applied. Rejects with MEMORY_UNAVAILABLE or NODE_UNREACHABLE when that cannot
   * be told in time; it may be applied all the same, now or later.
   */
  outcome(address: Address, envelopeId: string, timeoutMs: number): Promise<MemoryOutcome | 'long-ago'>
}

export type ShardAnswer = { readonly hits: readonly IndexHit[] } | { readonly problem: string }
