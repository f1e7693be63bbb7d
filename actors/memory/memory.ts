import type { Trace } from '../kernel/tracing.ts'
import type { Coordinate } from './coordinate.ts'

/**
 * The door to memory, for tools, gateway, MCP and console alike (memory-door.ts is the one implementation).
 *   D1. The tenant is the caller's, and nothing that is asked can name another.
 *   D2. `remember` and `forget` resolve after the change is journaled and searchable, everywhere; asked again with the
 *       same request id they are the same change, applied once (I3).
 *   D3. No change without a policy decision that allows it (I10): MEMORY_DENIED, or POLICY_UNAVAILABLE.
 * All reject with INVALID_REQUEST for what does not fit the limits (limits.ts), naming each field.
 */
export interface Memory {
  /** Also rejects with MEMORY_FULL, MEMORY_UNAVAILABLE, MAILBOX_FULL and other failures of the mailbox. */
  remember(asked: Remembering, by: MemoryCaller): Promise<Remembered>
  /** Searches; what could not be asked is said in `warnings`, and the rest is answered. */
  recall(asked: Recalling, by: MemoryCaller): Promise<Recalled>
  forget(asked: Forgetting, by: MemoryCaller): Promise<Forgotten>
  get(tenant: string, namespace: string, key: string): Promise<MemoryItem | undefined>
  /** Newest first. Rejects with INVALID_CURSOR. */
  list(query: MemoryList): Promise<{ readonly memories: readonly MemoryItem[]; readonly next?: string }>
  namespaces(tenant: string): Promise<readonly { readonly namespace: string; readonly memories: number }[]>
}

export interface MemoryCaller {
  readonly tenant: string
  readonly role: 'user' | 'assistant' | 'operator'
  readonly sessionId?: string
  readonly personaId?: string
  /** The same for every attempt of one request: what makes it one. */
  readonly requestId: string
  readonly trace?: Trace
  readonly signal?: AbortSignal
}

export interface Remembering {
  /** Unique in its namespace. Left out, it is made of the content, so the same content is the same memory. */
  readonly key?: string | undefined
  /** `default` when left out; `wm` is the working memory of the tenant. */
  readonly namespace?: string | undefined
  /** What is searched. Left out: the text of `value`. One of the two is needed. */
  readonly text?: string | undefined
  readonly value?: unknown
  readonly tags?: readonly string[] | undefined
  /** `real` when left out. */
  readonly universe?: string | undefined
  readonly sessionId?: string | undefined
  readonly personaId?: string | undefined
  /** 0 to 1; 0.5 when left out. */
  readonly importance?: number | undefined
  readonly ttlSeconds?: number | undefined
}

export interface Remembered {
  readonly key: string
  readonly namespace: string
  readonly universe: string
  readonly layer: 'wm' | 'ltm'
  readonly coordinate: Coordinate
  readonly replaced: boolean
  /** The same content is there under this key of the namespace too; recall shows the two as one. */
  readonly duplicateOf?: string
  /** Keys that had to leave the working memory. */
  readonly evicted: readonly string[]
  readonly expiresAt?: number
  readonly warnings: readonly string[]
}

export interface Recalling {
  readonly query: string
  /** 1 to 50; 10 when left out. */
  readonly topK?: number | undefined
  /** All of the tenant's when left out. */
  readonly namespace?: string | undefined
  readonly universe?: string | undefined
  /** All of them must be there. */
  readonly tags?: readonly string[] | undefined
  readonly sessionId?: string | undefined
  readonly personaId?: string | undefined
  readonly minScore?: number | undefined
  readonly maxAgeSeconds?: number | undefined
  /** `hybrid` when left out. */
  readonly mode?: 'hybrid' | 'lexical' | 'vector' | undefined
}

export interface Recalled {
  readonly results: readonly (MemoryItem & {
    readonly score: number
    readonly lexicalScore: number
    readonly vectorScore: number
  })[]
  readonly tookMs: number
  readonly warnings: readonly string[]
}

/** By keys, or by what a recall of the query finds (at least MIN_FORGET_SCORE alike unless `minScore` says otherwise). */
export interface Forgetting extends Omit<Recalling, 'query' | 'mode'> {
  readonly query?: string | undefined
  readonly keys?: readonly string[] | undefined
}

export interface Forgotten {
  readonly forgotten: number
  readonly keys: readonly string[]
  readonly warnings: readonly string[]
}

export interface MemoryItem {
  readonly key: string
  readonly namespace: string
  readonly text: string
  readonly value: unknown
  readonly tags: readonly string[]
  readonly universe: string
  readonly sessionId?: string
  readonly personaId?: string
  readonly importance: number
  readonly layer: 'wm' | 'ltm'
  /** Epoch ms, as all times here. */
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt?: number
  readonly coordinate: Coordinate
}

export interface MemoryList {
  readonly tenant: string
  readonly namespace?: string | undefined
  readonly universe?: string | undefined
  readonly tag?: string | undefined
  /** Text that key or text holds. */
  readonly search?: string | undefined
  /** At most 200. */
  readonly limit: number
  readonly before?: string | undefined
}
