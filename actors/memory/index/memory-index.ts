/** Search over the memories of one shard. A cache: derived from the rows, lost without loss (I6). */
export interface MemoryIndex {
  /** Replaces an entry of the same key. `vector` undefined: lexical only until one is there. */
  put(entries: readonly IndexEntry[]): void
  remove(keys: readonly string[]): void
  /** Best first, at most `limit`. Scores in [0, 1]. */
  search(query: IndexQuery): Promise<readonly IndexHit[]>
  readonly size: number
  close(): Promise<void>
}

export interface IndexEntry {
  readonly key: string
  readonly text: string
  readonly tags: readonly string[]
  readonly universe: string
  readonly sessionId?: string
  readonly personaId?: string
  readonly importance: number
  /** epoch ms */
  readonly createdAt: number
  readonly expiresAt?: number
  readonly vector?: Float32Array
}

export interface IndexQuery {
  readonly text: string
  readonly vector?: Float32Array
  readonly mode: 'hybrid' | 'lexical' | 'vector'
  readonly limit: number
  readonly now: number
  readonly universe?: string
  readonly tags?: readonly string[]
  readonly sessionId?: string
  readonly personaId?: string
  readonly minScore?: number
  readonly maxAgeMs?: number
}

export interface IndexHit {
  readonly key: string
  readonly score: number
  readonly lexical: number
  readonly vector: number
}

/** Text to unit vectors; batches; rejects with EMBEDDING_UNAVAILABLE, and memory then goes on lexically. */
export interface Embedder {
  readonly model: string
  readonly dimensions: number
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>
}
