/**
 * The ordinals of the entries that have one thing (a word, a tag, a session), ascending, with a weight each. Five bytes a
 * posting and no object: a million memories have fifteen million.
 */
export class PostingList {
  length = 0
  ordinals = new Uint32Array(2)
  weights = new Uint8Array(2)

  /** Ordinals come in ascending order. */
  push(ordinal: number, weight: number): void {
    if (this.length === this.ordinals.length) this.#grow()
    this.ordinals[this.length] = ordinal
    this.weights[this.length++] = weight
  }

  /** The weight of `ordinal`, or 0 when it is not in the list. */
  weightOf(ordinal: number): number {
    const { ordinals } = this
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ordinals[middle] as number) < ordinal) low = middle + 1
      else high = middle
    }
    return low < this.length && ordinals[low] === ordinal ? (this.weights[low] as number) : 0
  }

  /** Keeps what `renumbered` gives a new ordinal (those ascend as well); the others go. */
  compact(renumbered: Int32Array): void {
    let kept = 0
    for (let i = 0; i < this.length; i++) {
      const next = renumbered[this.ordinals[i] as number] as number
      if (next < 0) continue
      this.ordinals[kept] = next
      this.weights[kept++] = this.weights[i] as number
    }
    this.length = kept
    if (kept * 4 < this.ordinals.length) {
      this.ordinals = this.ordinals.slice(0, Math.max(2, kept))
      this.weights = this.weights.slice(0, Math.max(2, kept))
    }
  }

  #grow(): void {
    // By half, not by two: most of the memory of an index is in long lists.
    const capacity = Math.max(4, Math.ceil(this.length * 1.5))
    const ordinals = new Uint32Array(capacity)
    ordinals.set(this.ordinals)
    this.ordinals = ordinals
    const weights = new Uint8Array(capacity)
    weights.set(this.weights)
    this.weights = weights
  }
}
