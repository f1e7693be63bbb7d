/** Vectors kept as bytes, each with its own scale, in slots that are used again. A product is within about one part in a hundred. */
export class ByteVectors {
  readonly dimensions: number
  /** Blocks, because a single array of a million vectors could grow only by being copied. The first grows by itself. */
  readonly #blocks: Int8Array[] = []
  #scales = new Float32Array(64)
  /** Of no use but that a compiler must not leave out the reads which it is made of. */
  fetched = 0
  readonly #free: number[] = []
  #used = 0

  constructor(dimensions: number) {
    this.dimensions = dimensions
  }

  put(vector: Float32Array): number {
    const slot = this.#free.pop() ?? this.#used++
    this.#reserve(slot)
    let largest = 0
    for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i] as number))
    const scale = largest === 0 ? 1 : largest / 127
    const block = this.#blocks[slot >> BLOCK_BITS] as Int8Array
    const from = (slot & BLOCK_MASK) * this.dimensions
    for (let i = 0; i < vector.length; i++) block[from + i] = Math.round((vector[i] as number) / scale)
    this.#scales[slot] = scale
    return slot
  }

  remove(slot: number): void {
    this.#free.push(slot)
  }

  /**
   * Reads a little of each of some vectors, so that the processor waits for all of them at once before their products are made:
   * it does not look ahead over a whole product. For 4,096 of a million 1 to 2 ms less.
   */
  fetch(slots: ArrayLike<number>, from: number, to: number): void {
    let sum = 0
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number
      const block = this.#blocks[slot >> BLOCK_BITS] as Int8Array
      const end = ((slot & BLOCK_MASK) + 1) * this.dimensions
      for (let at = end - this.dimensions; at < end; at += LINE) sum = (sum + (block[at] as number)) | 0
    }
    this.fetched = sum
  }

  /** The product with a vector that `asBytes` made: the cosine, as both are of length one. */
  product(slot: number, query: ByteQuery): number {
    const block = this.#blocks[slot >> BLOCK_BITS] as Int8Array
    const { bytes } = query
    let at = (slot & BLOCK_MASK) * this.dimensions
    // Two sums, so that one addition need not wait for the other. Whole numbers: 512 products of 127² fit 32 bits.
    let even = 0
    let odd = 0
    const end = bytes.length - 1
    let i = 0
    for (; i < end; i += 2) {
      even = (even + (bytes[i] as number) * (block[at++] as number)) | 0
      odd = (odd + (bytes[i + 1] as number) * (block[at++] as number)) | 0
    }
    if (i === end) even = (even + (bytes[i] as number) * (block[at] as number)) | 0
    return (even + odd) * query.scale * (this.#scales[slot] as number)
  }

  /** Writes the vector of `slot` to `into`, as long or longer than it. */
  read(slot: number, into: Float32Array): void {
    const block = this.#blocks[slot >> BLOCK_BITS] as Int8Array
    const from = (slot & BLOCK_MASK) * this.dimensions
    for (let i = 0; i < this.dimensions; i++) into[i] = block[from + i] as number
  }

  #reserve(slot: number): void {
    if (slot >= this.#scales.length) {
      const scales = new Float32Array(Math.ceil((slot + 1) * 1.5))
      scales.set(this.#scales)
      this.#scales = scales
    }
    const index = slot >> BLOCK_BITS
    const needed = ((slot & BLOCK_MASK) + 1) * this.dimensions
    const block = this.#blocks[index]
    if (block !== undefined && block.length >= needed) return
    const whole = BLOCK * this.dimensions
    // A shard of ten memories must not hold a block of megabytes.
    const next = new Int8Array(index > 0 ? whole : Math.min(whole, Math.max(needed * 2, 16 * this.dimensions)))
    if (block !== undefined) next.set(block)
    this.#blocks[index] = next
  }
}

export interface ByteQuery {
  readonly bytes: Int8Array
  readonly scale: number
}

export function asBytes(vector: Float32Array): ByteQuery {
  let largest = 0
  for (const component of vector) largest = Math.max(largest, Math.abs(component))
  const scale = largest === 0 ? 1 : largest / 127
  return { bytes: Int8Array.from(vector, (component) => Math.round(component / scale)), scale }
}

/** Bytes that a processor reads at a time. */
const LINE = 64
const BLOCK_BITS = 13
const BLOCK = 1 << BLOCK_BITS
const BLOCK_MASK = BLOCK - 1
