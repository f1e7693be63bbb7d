/**
 * The ordinals of the entries that have one thing (a tag, a universe, a session). A list while they are few among all, a bit
 * for each ordinal once that is smaller: a tag of one memory in ten takes 125 KB of a million instead of 500, and two of them
 * are intersected 32 ordinals at a time.
 */
export class OrdinalSet {
  size = 0
  /** One of the two is there. */
  #list: Uint32Array<ArrayBuffer> | undefined = new Uint32Array(2)
  #bits: Uint32Array<ArrayBuffer> | undefined

  /** Ordinals come in ascending order. */
  add(ordinal: number): void {
    if (this.#isFull(ordinal)) this.#reserve(ordinal)
    if (this.#list !== undefined) this.#list[this.size] = ordinal
    else setBit(this.#bits as Uint32Array, ordinal)
    this.size++
  }

  has(ordinal: number): boolean {
    if (this.#bits !== undefined) return hasBit(this.#bits, ordinal)
    const list = this.#list as Uint32Array
    const at = firstNotBelow(list, ordinal, 0, this.size)
    return at < this.size && list[at] === ordinal
  }

  /** A bit for each ordinal before `end`, the caller's own. */
  bits(end: number): Uint32Array<ArrayBuffer> {
    const bits = new Uint32Array(wordsFor(end))
    if (this.#bits !== undefined) bits.set(this.#bits.subarray(0, bits.length))
    else for (let i = 0; i < this.size; i++) setBit(bits, (this.#list as Uint32Array)[i] as number)
    return bits
  }

  /** Leaves of `bits` those that are in this set. */
  intersect(bits: Uint32Array): void {
    const own = this.#bits ?? this.bits(bits.length << 5)
    for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] as number) & (own[i] ?? 0)
  }

  /** Keeps what `renumbered` gives a new ordinal (those ascend as well); the others go. */
  compact(renumbered: Int32Array): void {
    const old = ordinalsOf(this.bits(renumbered.length))
    this.size = 0
    this.#bits = undefined
    this.#list = new Uint32Array(2)
    for (const ordinal of old) {
      const next = renumbered[ordinal] as number
      if (next >= 0) this.add(next)
    }
  }

  #isFull(ordinal: number): boolean {
    if (this.#list !== undefined) return this.size === this.#list.length
    return ordinal >> 5 >= (this.#bits as Uint32Array).length
  }

  /** Room for `ordinal` and half as many more, in whichever form is the smaller now. */
  #reserve(ordinal: number): void {
    if (this.size >= wordsFor(ordinal)) {
      const bits = new Uint32Array(Math.ceil(wordsFor(ordinal + 1) * 1.5))
      bits.set(this.bits(ordinal))
      this.#bits = bits
      this.#list = undefined
      return
    }
    const list = new Uint32Array(Math.max(4, Math.ceil(this.size * 1.5)))
    list.set(this.#list ?? ordinalsOf(this.#bits as Uint32Array))
    this.#list = list
    this.#bits = undefined
  }
}

export function hasBit(bits: Uint32Array, ordinal: number): boolean {
  return (((bits[ordinal >> 5] as number) >>> (ordinal & 31)) & 1) === 1
}

export function countBits(bits: Uint32Array): number {
  let count = 0
  for (let i = 0; i < bits.length; i++) {
    let word = bits[i] as number
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

/** Ascending. */
export function ordinalsOf(bits: Uint32Array): Uint32Array<ArrayBuffer> {
  const ordinals = new Uint32Array(countBits(bits))
  let at = 0
  for (let i = 0; i < bits.length; i++) {
    for (let word = bits[i] as number; word !== 0; word &= word - 1)
      ordinals[at++] = (i << 5) + 31 - Math.clz32(word & -word)
  }
  return ordinals
}

/** The first place from `low` on, before `high`, whose ordinal is not below the one given; `high` when there is none. */
export function firstNotBelow(ordinals: Uint32Array, ordinal: number, low: number, high: number): number {
  let from = low
  let to = high
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((ordinals[middle] as number) < ordinal) from = middle + 1
    else to = middle
  }
  return from
}

function setBit(bits: Uint32Array, ordinal: number): void {
  bits[ordinal >> 5] = (bits[ordinal >> 5] as number) | (1 << (ordinal & 31))
}

function wordsFor(end: number): number {
  return (end + 31) >>> 5
}
