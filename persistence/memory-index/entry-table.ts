import type { IndexEntry, IndexQuery } from '../../actors/memory/index/memory-index.ts'
import { PostingList } from './posting-list.ts'

/** Fewer entries than this that can pass a filter are looked at one by one. A few ms of exact vector products. */
export const FEW = 10_000

type Passes = (ordinal: number) => boolean

/** What a query's filters leave. */
export interface Sieve {
  /** Whether an entry, one of `among` where that is given, is there and passes all filters. */
  readonly passes: Passes
  /** All that can pass, where they are few. */
  readonly among?: Uint32Array
  /** An upper bound of how many pass. */
  readonly atMost: number
}

/**
 * What is known of the entries, by ordinal: the order in which they came. A replaced or removed entry leaves its ordinal
 * dead until `compact`. The filters' values have posting lists as words have, so that a narrow filter starts from its few.
 */
export class EntryTable {
  readonly #ordinals = new Map<string, number>()
  readonly #keys: (string | undefined)[] = []
  readonly #lists = new Map<string, PostingList>()
  #importance = new Float32Array(64)
  #createdAt = new Float64Array(64)
  #expiresAt = new Float64Array(64)

  get size(): number {
    return this.#ordinals.size
  }

  get dead(): number {
    return this.#keys.length - this.#ordinals.size
  }

  /** The ordinal of a new entry; the caller has removed one of the same key. */
  add(entry: IndexEntry): number {
    const ordinal = this.#keys.length
    this.#reserve(ordinal)
    this.#keys.push(entry.key)
    this.#ordinals.set(entry.key, ordinal)
    this.#importance[ordinal] = Math.min(1, Math.max(0, entry.importance))
    this.#createdAt[ordinal] = entry.createdAt
    this.#expiresAt[ordinal] = entry.expiresAt ?? Number.POSITIVE_INFINITY
    for (const value of valuesOf(entry)) {
      let list = this.#lists.get(value)
      if (list === undefined) {
        list = new PostingList()
        this.#lists.set(value, list)
      }
      list.push(ordinal, 1)
    }
    return ordinal
  }

  /** The ordinal that is dead from now on, or undefined when there is no such key. */
  remove(key: string): number | undefined {
    const ordinal = this.#ordinals.get(key)
    if (ordinal === undefined) return undefined
    this.#ordinals.delete(key)
    this.#keys[ordinal] = undefined
    return ordinal
  }

  keyOf(ordinal: number): string {
    return this.#keys[ordinal] as string
  }

  importanceOf(ordinal: number): number {
    return this.#importance[ordinal] as number
  }

  createdAtOf(ordinal: number): number {
    return this.#createdAt[ordinal] as number
  }

  sieve(query: IndexQuery): Sieve {
    const lists: PostingList[] = []
    for (const value of valuesOf(query)) {
      const list = this.#lists.get(value)
      if (list === undefined) return { passes: () => false, among: new Uint32Array(0), atMost: 0 }
      lists.push(list)
    }
    lists.sort((a, b) => a.length - b.length)
    const [narrowest] = lists
    const oldest = query.maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : query.now - query.maxAgeMs
    const isFew = narrowest !== undefined && narrowest.length <= FEW
    // Those few are in the narrowest list by themselves.
    const asked = isFew ? lists.slice(1) : lists
    const passes: Passes = (ordinal) =>
      this.#keys[ordinal] !== undefined &&
      (this.#expiresAt[ordinal] as number) > query.now &&
      (this.#createdAt[ordinal] as number) >= oldest &&
      asked.every((list) => list.weightOf(ordinal) > 0)
    const atMost = narrowest === undefined ? this.size : Math.min(narrowest.length, this.size)
    return isFew ? { passes, atMost, among: narrowest.ordinals.subarray(0, narrowest.length) } : { passes, atMost }
  }

  /** Every ordinal there is; dead ones too. */
  get end(): number {
    return this.#keys.length
  }

  /** Gives the living ordinals without gaps; returns the new one of each old one, -1 for the dead. */
  compact(): Int32Array {
    const renumbered = new Int32Array(this.#keys.length).fill(-1)
    let next = 0
    for (let ordinal = 0; ordinal < renumbered.length; ordinal++) {
      const key = this.#keys[ordinal]
      if (key === undefined) continue
      renumbered[ordinal] = next
      this.#ordinals.set(key, next)
      this.#keys[next] = key
      this.#importance[next] = this.#importance[ordinal] as number
      this.#createdAt[next] = this.#createdAt[ordinal] as number
      this.#expiresAt[next] = this.#expiresAt[ordinal] as number
      next++
    }
    this.#keys.length = next
    for (const [value, list] of this.#lists) {
      list.compact(renumbered)
      if (list.length === 0) this.#lists.delete(value)
    }
    return renumbered
  }

  #reserve(ordinal: number): void {
    if (ordinal < this.#createdAt.length) return
    const capacity = Math.ceil((ordinal + 1) * 1.5)
    const importance = new Float32Array(capacity)
    importance.set(this.#importance)
    this.#importance = importance
    const createdAt = new Float64Array(capacity)
    createdAt.set(this.#createdAt)
    this.#createdAt = createdAt
    const expiresAt = new Float64Array(capacity)
    expiresAt.set(this.#expiresAt)
    this.#expiresAt = expiresAt
  }
}

/** What an entry can be filtered by, and what a query asks for: every tag that it names, not one of them. */
function valuesOf(of: Pick<IndexEntry, 'sessionId' | 'personaId'> & { universe?: string; tags?: readonly string[] }) {
  const values = new Set<string>()
  if (of.universe !== undefined) values.add(`universe ${of.universe}`)
  if (of.sessionId !== undefined) values.add(`session ${of.sessionId}`)
  if (of.personaId !== undefined) values.add(`persona ${of.personaId}`)
  for (const tag of of.tags ?? []) values.add(`tag ${tag}`)
  return values
}
