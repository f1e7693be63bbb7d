import type { IndexEntry, IndexQuery } from '../../actors/memory/index/memory-index.ts'
import { OrdinalSet } from './ordinal-set.ts'
import { Sieve } from './sieve.ts'

/**
 * What is known of the entries, by ordinal: the order in which they came. A replaced or removed entry leaves its ordinal
 * dead until `compact`. For each value that can be filtered by it knows the set of ordinals that have it.
 */
export class EntryTable {
  readonly #ordinals = new Map<string, number>()
  readonly #keys: (string | undefined)[] = []
  readonly #sets = new Map<string, OrdinalSet>()
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
      let set = this.#sets.get(value)
      if (set === undefined) {
        set = new OrdinalSet()
        this.#sets.set(value, set)
      }
      set.add(ordinal)
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
    const { maxAgeMs, now } = query
    const oldest = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : now - maxAgeMs
    const standing = {
      end: this.#keys.length,
      size: this.size,
      isAgeAsked: maxAgeMs !== undefined,
      isCurrent: (ordinal: number) =>
        this.#keys[ordinal] !== undefined &&
        (this.#expiresAt[ordinal] as number) > now &&
        (this.#createdAt[ordinal] as number) >= oldest,
      current: (among?: Uint32Array) => this.#current(now, oldest, among),
    }
    return new Sieve(
      standing,
      Array.from(valuesOf(query), (value) => this.#sets.get(value) ?? new OrdinalSet()),
    )
  }

  /** Of `among`, or of all, those that are current: `isCurrent` in a loop of its own, which takes half as long. */
  #current(now: number, oldest: number, among: Uint32Array | undefined): Uint32Array {
    const keys = this.#keys
    const expiresAt = this.#expiresAt
    const createdAt = this.#createdAt
    const length = among?.length ?? keys.length
    const current = new Uint32Array(length)
    let count = 0
    for (let i = 0; i < length; i++) {
      const ordinal = among === undefined ? i : (among[i] as number)
      // Age first: it excludes most.
      if ((createdAt[ordinal] as number) < oldest || (expiresAt[ordinal] as number) <= now) continue
      if (keys[ordinal] !== undefined) current[count++] = ordinal
    }
    return current.subarray(0, count)
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
    for (const [value, set] of this.#sets) {
      set.compact(renumbered)
      if (set.size === 0) this.#sets.delete(value)
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
