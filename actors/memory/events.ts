import { Failure } from '../kernel/failure.ts'
import type { EventCodec } from '../kernel/journaled-kind.ts'
import type { PolicyDecision } from '../kernel/policy.ts'
import type { Author, MemoryContent } from './protocol.ts'

/** Where the memories of an event live; an address alone may hold only their hash. */
interface Placed {
  readonly tenant: string
  readonly namespace: string
}

/**
 * The journal of one shard. Each is also a record of the change feed (memory.wal). Only what is still remembered has its
 * content here (persistence/memory-rows.ts, Q4).
 */
export type MemoryEvent =
  | (Placed & {
      readonly kind: 'MemoryRemembered'
      readonly memory: MemoryContent
      readonly createdAt: number
      /** Epoch ms. */
      readonly expiresAt?: number
      /** Of the same key. */
      readonly replaced: boolean
      /** The key of a memory of the same content and scope that was there. */
      readonly duplicateOf?: string
      /** Of universe, session, persona, text and value. */
      readonly contentHash: string
      /** The memory was replaced or is gone: `text`, `value`, `tags` and `contentHash` are empty. Nothing folds from them. */
      readonly erased?: true
      readonly author: Author
      readonly decision: PolicyDecision
    })
  /** The shard is full, and its layer evicts nothing. */
  | (Placed & {
      readonly kind: 'MemoryRefused'
      readonly key: string
      readonly detail: string
      readonly author: Author
      readonly decision: PolicyDecision
    })
  /** Those that were there, of the keys that were asked for. */
  | (Placed & {
      readonly kind: 'MemoriesForgotten'
      readonly keys: readonly string[]
      readonly author: Author
      readonly decision: PolicyDecision
    })
  /** The working memory was over its limit. */
  | (Placed & { readonly kind: 'MemoriesEvicted'; readonly keys: readonly string[] })
  /** They were over their time to live. */
  | (Placed & { readonly kind: 'MemoriesExpired'; readonly keys: readonly string[] })

const VERSION = 1

const kinds: ReadonlySet<string> = new Set<MemoryEvent['kind']>([
  'MemoryRemembered',
  'MemoryRefused',
  'MemoriesForgotten',
  'MemoriesEvicted',
  'MemoriesExpired',
])

export const memoryEventCodec: EventCodec<MemoryEvent> = {
  encode({ kind, ...data }) {
    return { kind, version: VERSION, data }
  },
  decode(stored) {
    if (!kinds.has(stored.kind) || stored.version > VERSION) {
      throw new Failure('UNREADABLE_EVENT', `memory event ${stored.kind} v${stored.version} at seq ${stored.seq}`)
    }
    return { kind: stored.kind, ...(stored.data as object) } as MemoryEvent
  },
}
