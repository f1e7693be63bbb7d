import type { Address } from '../../actors/kernel/address.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { IndexQuery } from '../../actors/memory/index/memory-index.ts'
import type { MemoryOwners } from '../../actors/memory/owners.ts'

/** What one process asks another about memory shards (memory-owners.ts asks, node-answers.ts answers). */
export interface MemoryQuestions {
  readonly 'memory.search': SentQuery
  readonly 'memory.outcome': { readonly address: Address; readonly envelopeId: string; readonly timeoutMs: number }
}

export interface SentQuery {
  readonly addresses: readonly Address[]
  readonly query: Omit<IndexQuery, 'vector'> & { readonly vector?: Uint8Array }
  readonly timeoutMs: number
}

/** A vector travels as its bytes: as numbers it would be more than twice as long, and slower to read. */
export function sentQuery({ vector, ...query }: IndexQuery): SentQuery['query'] {
  if (vector === undefined) return query
  return { ...query, vector: new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength) }
}

/** Copied: what a link brings is a view of a larger buffer, which may begin anywhere, and `slice` of a Buffer is no copy. */
export function receivedQuery({ vector, ...query }: SentQuery['query']): IndexQuery {
  if (vector === undefined) return query
  return { ...query, vector: new Float32Array(Uint8Array.from(vector).buffer) }
}

export function answerSearch(memories: MemoryOwners | undefined, { addresses, query, timeoutMs }: SentQuery) {
  return owned(memories).search(addresses, receivedQuery(query), timeoutMs)
}

export function answerOutcome(
  memories: MemoryOwners | undefined,
  { address, envelopeId, timeoutMs }: MemoryQuestions['memory.outcome'],
) {
  return owned(memories).outcome(address, envelopeId, timeoutMs)
}

function owned(memories: MemoryOwners | undefined): MemoryOwners {
  if (memories) return memories
  throw new Failure('NODE_UNREACHABLE', 'this process owns no memory shard', { retryAfter: 1 })
}
