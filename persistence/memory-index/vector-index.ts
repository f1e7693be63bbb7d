import { Best, type Scored } from './best.ts'
import { BitVectors } from './bit-vectors.ts'
import { asBytes, type ByteQuery, ByteVectors } from './byte-vectors.ts'
import { nearestBySigns } from './nearest-by-signs.ts'
import type { Sieve } from './sieve.ts'
import type { MakeVectorGraph, VectorGraph } from './vector-graph.ts'

/** So many vectors stay out of the graph: a few ms to compare, and nothing to build before there are more. */
const LOOSE_LEAST = 2_048
/** So many may wait to be linked: 5 ms of a search. A takeover puts all at once, and must not wait for the linking. */
const LOOSE_MOST = 131_072
/** Vectors linked to the graph at a time: a search waits no longer than for that. */
const LINK_AT_ONCE = 64
/**
 * So many are compared by their bytes: all where no more pass, else those nearest by their signs. 2 ms. The cosine that signs
 * tell is off by about 0.05, so that of vectors none of which is near a sixteenth of 10,000 missed one in fifty.
 */
const RANKED_MOST = 4_096
/** But only so many for each one wanted where more than FEW pass: there signs take most of the time, and the nearest are nearer. */
const RANKED_EACH = 16
const FEW = 32_768
/** Vectors read ahead of their products: 16 KB, half of the nearest cache. */
const FETCHED = 32
/** Of bit neighbours for each one wanted, and the least that are taken. */
const OVERSAMPLED = 4
const NEAR_LEAST = 200
const NONE = -1

/**
 * Cosine over the vectors of one shard.
 *   V1. Exact while there are few, or few pass the filter. Beyond, the signs of all that pass propose, or where that would
 *       take longer the graph does, and exact products rank.
 *   V2. A vector can be found at once: what is not linked yet is compared as what passes a filter is, and at most LOOSE_MOST
 *       wait. It is linked when the caller has time (`link`).
 *   V3. Filters come before the cut: the graph is asked for more until enough pass, and at last all that pass are compared.
 */
export class VectorIndex {
  readonly dimensions: number
  readonly #vectors: ByteVectors
  readonly #signs: BitVectors
  readonly #makeGraph: MakeVectorGraph | undefined
  #graph: VectorGraph | undefined
  /** By ordinal, and back. */
  #slots = new Int32Array(64).fill(NONE)
  #ordinals = new Int32Array(64).fill(NONE)
  /** Slots with a vector that the graph does not know yet. */
  readonly #loose = new Set<number>()
  #count = 0

  constructor(dimensions: number, makeGraph?: MakeVectorGraph) {
    this.dimensions = dimensions
    this.#vectors = new ByteVectors(dimensions)
    this.#signs = new BitVectors(dimensions)
    this.#makeGraph = makeGraph
  }

  put(ordinal: number, vector: Float32Array): void {
    const slot = this.#vectors.put(vector)
    this.#signs.put(slot, vector)
    this.#slots = reserved(this.#slots, ordinal)
    this.#slots[ordinal] = slot
    this.#ordinals = reserved(this.#ordinals, slot)
    this.#ordinals[slot] = ordinal
    this.#loose.add(slot)
    this.#count++
    if (this.#loose.size >= LOOSE_MOST) this.link() // V2
  }

  /** Links a portion of those that wait, a few ms; whether there are more. */
  link(): boolean {
    if (this.#makeGraph === undefined || this.#loose.size < LOOSE_LEAST + LINK_AT_ONCE) return false
    this.#link(this.#makeGraph)
    return true
  }

  remove(ordinal: number): void {
    const slot = this.#slots[ordinal] ?? NONE
    if (slot === NONE) return
    this.#slots[ordinal] = NONE
    this.#ordinals[slot] = NONE
    if (!this.#loose.delete(slot)) this.#graph?.remove(slot)
    this.#vectors.remove(slot)
    this.#count--
  }

  query(vector: Float32Array): VectorQuery {
    return { vector: padded(vector), bytes: asBytes(vector), signs: this.#signs.signsOf(vector) }
  }

  /** Cosine, at least 0; 0 for an entry without a vector. */
  has(ordinal: number): boolean {
    return (this.#slots[ordinal] ?? NONE) !== NONE
  }

  scoreOf(query: VectorQuery, ordinal: number): number {
    const slot = this.#slots[ordinal] ?? NONE
    return slot === NONE ? 0 : Math.min(1, Math.max(0, this.#vectors.product(slot, query.bytes)))
  }

  /** The best `depth` of the entries with a vector that pass. */
  top(query: VectorQuery, depth: number, sieve: Sieve): Scored[] {
    return this.#graph === undefined
      ? this.#among(query, depth, sieve.all)
      : this.#byGraph(this.#graph, query, depth, sieve)
  }

  compact(renumbered: Int32Array): void {
    for (let ordinal = 0; ordinal < renumbered.length; ordinal++) {
      const slot = this.#slots[ordinal] ?? NONE
      const next = renumbered[ordinal] as number
      if (ordinal < this.#slots.length) this.#slots[ordinal] = NONE
      if (slot === NONE || next < 0) continue
      this.#slots[next] = slot
      this.#ordinals[slot] = next
    }
  }

  #byGraph(graph: VectorGraph, query: VectorQuery, depth: number, sieve: Sieve): Scored[] {
    const linked = this.#count - this.#loose.size
    const share = sieve.share
    for (let near = Math.max(NEAR_LEAST, (OVERSAMPLED * depth) / share); ; near *= 4) {
      const cost = near * graph.nearCost + this.#loose.size
      if (cost > share * this.#count) return this.#among(query, depth, sieve.all) // V3
      const wanted = Math.ceil(near)
      const passing = graph.near(query.vector, wanted).filter((slot) => this.#passes(slot, sieve))
      // Half of the bit neighbours that were reckoned with is enough to rank from.
      if (passing.length < (OVERSAMPLED * depth) / 2 && wanted < linked) continue
      const loose = Int32Array.from(this.#loose).filter((slot) => this.#passes(slot, sieve))
      return this.#ranked(query, depth, passing, this.#nearest(query, depth, loose))
    }
  }

  #passes(slot: number, sieve: Sieve): boolean {
    const ordinal = this.#ordinals[slot] ?? NONE
    return ordinal !== NONE && sieve.passes(ordinal)
  }

  #among(query: VectorQuery, depth: number, ordinals: Uint32Array): Scored[] {
    const slots = new Int32Array(ordinals.length)
    let count = 0
    for (const ordinal of ordinals) {
      const slot = this.#slots[ordinal] ?? NONE
      if (slot !== NONE) slots[count++] = slot
    }
    return this.#ranked(query, depth, this.#nearest(query, depth, slots.subarray(0, count)))
  }

  /** What is worth an exact product: all where they are few, else the nearest by signs. */
  #nearest(query: VectorQuery, depth: number, slots: Int32Array): Int32Array {
    const each = RANKED_EACH * depth
    const wanted = slots.length > FEW ? each : Math.max(RANKED_MOST, each)
    return nearestBySigns(this.#signs, query.signs, slots, wanted)
  }

  #ranked({ bytes }: VectorQuery, depth: number, ...some: readonly ArrayLike<number>[]): Scored[] {
    const best = new Best(depth)
    let threshold = Number.MIN_VALUE
    for (const slots of some) {
      for (let i = 0; i < slots.length; i++) {
        if (i % FETCHED === 0) this.#vectors.fetch(slots, i, Math.min(slots.length, i + FETCHED))
        const slot = slots[i] as number
        const score = Math.min(1, this.#vectors.product(slot, bytes))
        if (score < threshold) continue
        best.offer(this.#ordinals[slot] as number, score)
        threshold = Math.max(threshold, best.threshold)
      }
    }
    return best.sorted()
  }

  #link(makeGraph: MakeVectorGraph): void {
    const width = paddedLength(this.dimensions)
    this.#graph ??= makeGraph(width)
    const slots: number[] = []
    for (const slot of this.#loose) {
      slots.push(slot)
      if (slots.length === LINK_AT_ONCE) break
    }
    const vectors = new Float32Array(slots.length * width)
    slots.forEach((slot, i) => {
      this.#vectors.read(slot, vectors.subarray(i * width, (i + 1) * width))
      this.#loose.delete(slot)
    })
    this.#graph.add(slots, vectors)
  }
}

export interface VectorQuery {
  /** As wide as the graph's nodes. */
  readonly vector: Float32Array
  readonly bytes: ByteQuery
  readonly signs: Int32Array
}

/** Bits come in bytes. */
function paddedLength(dimensions: number): number {
  return Math.ceil(dimensions / 8) * 8
}

function padded(vector: Float32Array): Float32Array {
  const width = paddedLength(vector.length)
  if (width === vector.length) return vector
  const wide = new Float32Array(width)
  wide.set(vector)
  return wide
}

function reserved(array: Int32Array<ArrayBuffer>, at: number): Int32Array<ArrayBuffer> {
  if (at < array.length) return array
  const next = new Int32Array(Math.ceil((at + 1) * 1.5)).fill(NONE)
  next.set(array)
  return next
}
