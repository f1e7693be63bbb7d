import type { IndexEntry, IndexHit, IndexQuery, MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { checkEntries, checkQuery } from './entry-check.ts'
import { EntryTable } from './entry-table.ts'
import { type Found, ranked } from './fusion.ts'
import { LexicalIndex } from './lexical-index.ts'
import type { MakeVectorGraph } from './vector-graph.ts'
import { VectorIndex } from './vector-index.ts'

/** Candidates of each kind that are ranked together. */
const POOL = 100
/** Dead ordinals are swept when they are more than the living ones, and more than these. */
const DEAD_LEAST = 4_096

/**
 * The index of one shard, on the thread that calls it: index-threads.ts puts it on another.
 *   X1. A removed or replaced entry is never found again; the one that replaced it is found at once.
 *   X2. Filters come before every cut: the answers are the best of those that pass, not those that pass of the best.
 *   X3. Ranking is the same whichever way a candidate came in: both scores are computed for each.
 */
export class ShardIndex implements MemoryIndex {
  readonly #table = new EntryTable()
  readonly #lexical = new LexicalIndex()
  readonly #makeGraph: MakeVectorGraph | undefined
  #vectors: VectorIndex | undefined

  constructor(makeGraph?: MakeVectorGraph) {
    this.#makeGraph = makeGraph
  }

  get size(): number {
    return this.#table.size
  }

  put(entries: readonly IndexEntry[]): void {
    const dimensions = checkEntries(entries, this.#vectors?.dimensions)
    if (dimensions !== undefined) this.#vectors ??= new VectorIndex(dimensions, this.#makeGraph)
    for (const entry of entries) {
      this.#forget(entry.key) // X1
      const ordinal = this.#table.add(entry)
      this.#lexical.add(ordinal, entry.text)
      if (entry.vector !== undefined) this.#vectors?.put(ordinal, entry.vector)
    }
    this.#sweep()
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) this.#forget(key)
    this.#sweep()
  }

  async search(query: IndexQuery): Promise<readonly IndexHit[]> {
    return this.searchNow(query)
  }

  searchNow(query: IndexQuery): IndexHit[] {
    checkQuery(query, this.#vectors?.dimensions)
    const sieve = this.#table.sieve(query)
    const depth = Math.max(POOL, query.limit * 2)
    const words = this.#lexical.queryOf(query.text)
    const vectors = this.#vectors
    const vector = query.vector && vectors?.query(query.vector)

    const candidates = new Set<number>()
    if (query.mode !== 'vector')
      for (const { ordinal } of this.#lexical.top(words, depth, sieve)) candidates.add(ordinal)
    if (query.mode !== 'lexical' && vectors && vector)
      for (const { ordinal } of vectors.top(vector, depth, sieve)) candidates.add(ordinal)

    const found = Array.from(candidates, (ordinal): Found => {
      return {
        ordinal,
        lexical: this.#lexical.scoreOf(words, ordinal), // X3
        vector: vectors && vector ? vectors.scoreOf(vector, ordinal) : 0,
        hasVector: vectors?.has(ordinal) ?? false,
        importance: this.#table.importanceOf(ordinal),
        createdAt: this.#table.createdAtOf(ordinal),
      }
    })
    return ranked(found, query).map(({ ordinal, score, lexical, vector }) => ({
      key: this.#table.keyOf(ordinal),
      score,
      lexical,
      vector,
    }))
  }

  /** Does a few ms of the work that makes later searches faster; whether there is more. Never needed to find something. */
  link(): boolean {
    return this.#vectors?.link() ?? false
  }

  async close(): Promise<void> {}

  #forget(key: string): void {
    const ordinal = this.#table.remove(key)
    if (ordinal !== undefined) this.#vectors?.remove(ordinal)
  }

  #sweep(): void {
    if (this.#table.dead <= Math.max(DEAD_LEAST, this.#table.size)) return
    const renumbered = this.#table.compact()
    this.#lexical.compact(renumbered)
    this.#vectors?.compact(renumbered)
  }
}
