import { Failure } from '../../actors/kernel/failure.ts'
import type { IndexEntry, IndexHit, IndexQuery, MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { checkEntries, checkQuery } from './entry-check.ts'
import type { IndexThread } from './index-thread.ts'

/** The thread as its indexes know it. */
export type AskedThread = Pick<IndexThread, 'ask' | 'isLost'>

/** Entries that are copied to the thread at a time: copying a million at once would stop this one for seconds. */
const AT_ONCE = 64
/** Portions under way: one is handled while the next is copied. Others' searches wait for no more than these. */
const UNDER_WAY = 2

type Change =
  | { readonly kind: 'put'; readonly entries: readonly IndexEntry[] }
  | { readonly kind: 'remove'; readonly keys: readonly string[] }
  | { readonly kind: 'search'; readonly go: () => void }

/**
 * An index that lives on another thread.
 *   T1. A search sees every put and remove before it, however many are still waiting here.
 *   T2. No call takes longer than copying one portion; the rest goes over as the thread takes it.
 *   T3. A portion that fails is a defect, or its thread is gone: every search after it says so, rather than answer from
 *       less than was put.
 */
export class ThreadedIndex implements MemoryIndex {
  readonly #thread: AskedThread
  readonly #index: number
  readonly #keys = new Set<string>()
  /** In order. Taken from `#next` on, because shifting a long array moves all of it. */
  #changes: Change[] = []
  #next = 0
  #underWay = 0
  #dimensions: number | undefined
  #failed: Failure | undefined
  #closed = false

  constructor(thread: AskedThread, index: number) {
    this.#thread = thread
    this.#index = index
  }

  get size(): number {
    return this.#keys.size
  }

  put(entries: readonly IndexEntry[]): void {
    this.#refuseClosed()
    this.#dimensions = checkEntries(entries, this.#dimensions)
    for (const { key } of entries) this.#keys.add(key)
    for (let from = 0; from < entries.length; from += AT_ONCE)
      this.#changes.push({ kind: 'put', entries: entries.slice(from, from + AT_ONCE) })
    this.#send()
  }

  remove(keys: readonly string[]): void {
    this.#refuseClosed()
    for (const key of keys) this.#keys.delete(key)
    if (keys.length > 0) this.#changes.push({ kind: 'remove', keys: [...keys] })
    this.#send()
  }

  async search(query: IndexQuery): Promise<readonly IndexHit[]> {
    this.#refuseClosed()
    checkQuery(query, this.#dimensions)
    // T1
    if (this.#next < this.#changes.length)
      await new Promise<void>((go) => {
        this.#changes.push({ kind: 'search', go })
      })
    this.#refuseClosed()
    const hits = this.#failed ? [] : await this.#thread.ask({ kind: 'search', index: this.#index, query })
    // T3, asked afterwards: answers come in order, so a portion before this search has failed by now if it ever will.
    if (this.#failed) throw this.#failed
    return hits
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const waiting = this.#changes.slice(this.#next)
    this.#changes = []
    this.#next = 0
    for (const change of waiting) if (change.kind === 'search') change.go()
    // What was lost needs no closing.
    if (!this.#thread.isLost) await this.#thread.ask({ kind: 'close', index: this.#index }).catch(() => {})
  }

  #send(): void {
    while (this.#next < this.#changes.length) {
      const change = this.#changes[this.#next] as Change
      if (change.kind === 'search') {
        this.#next++
        change.go()
        continue
      }
      if (this.#underWay >= UNDER_WAY) return // T2
      this.#next++
      this.#underWay++
      const sent = this.#failed ? Promise.reject(this.#failed) : this.#thread.ask({ ...change, index: this.#index })
      sent
        .catch((failure: Failure) => {
          this.#failed ??= failure
        })
        .then(() => {
          this.#underWay--
          this.#send()
        })
    }
    this.#changes = []
    this.#next = 0
  }

  #refuseClosed(): void {
    if (this.#closed) throw new Failure('MEMORY_INDEX_LOST', 'this index is closed')
  }
}
