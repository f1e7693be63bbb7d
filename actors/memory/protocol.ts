import type { PolicyDecision } from '../kernel/policy.ts'

/** The words of a memory shard, address `memory:<tenant>/<namespace>/<n>` (place.ts). */
export type MemoryCommand =
  | {
      readonly kind: 'Remember'
      readonly v: 1
      readonly namespace: string
      readonly memory: MemoryContent
      /** Seconds to live, from when the shard handles it. */
      readonly ttlSeconds?: number
      readonly author: Author
      /** I10: made before it was sent; a shard takes no command without one that allows it. */
      readonly decision: PolicyDecision
    }
  | {
      readonly kind: 'Forget'
      readonly v: 1
      readonly namespace: string
      readonly keys: readonly string[]
      readonly author: Author
      readonly decision: PolicyDecision
    }

/** What is remembered. The key is unique in its namespace. */
export interface MemoryContent {
  readonly key: string
  /** What is searched. */
  readonly text: string
  /** What the caller gets back besides it; JSON. */
  readonly value: unknown
  readonly tags: readonly string[]
  readonly universe: string
  readonly sessionId?: string
  readonly personaId?: string
  /** 0 to 1. */
  readonly importance: number
}

/** Who asked, for the change feed and for the trail. */
export interface Author {
  readonly role: 'user' | 'assistant' | 'operator'
  readonly sessionId?: string
  readonly personaId?: string
  readonly requestId: string
  readonly traceId?: string
}

/** What became of one command, told to whoever waits for it; derived from its events, so also after a crash. */
export type MemoryOutcome =
  | {
      readonly kind: 'remembered'
      readonly key: string
      /** A memory of that key was there, and is replaced. */
      readonly replaced: boolean
      /** The same content in the same scope was there under this key. */
      readonly duplicateOf?: string
      readonly evicted: readonly string[]
      /** Epoch ms. */
      readonly at: number
      readonly expiresAt?: number
    }
  | { readonly kind: 'forgotten'; readonly keys: readonly string[] }
  | { readonly kind: 'refused'; readonly code: 'MEMORY_FULL'; readonly detail: string }
