import { firstNotBelow } from './ordinal-set.ts'

/**
 * The texts that have one word: their ordinals, ascending, and how often each has it. Five bytes a posting and no object: a
 * million memories have fifteen million.
 */
export class PostingList {
  length = 0
  ordinals = new Uint32Array(2)
  frequencies = new Uint8Array(2)
  /** The highest frequency and the shortest text there ever were: what the word can add to a score at most. */
  most = 1
  shortest = 255

  /** Ordinals come in ascending order. */
  push(ordinal: number, frequency: number, textLength: number): void {
    if (this.length === this.ordinals.length) this.#grow()
    this.ordinals[this.length] = ordinal
    this.frequencies[this.length++] = frequency
    if (frequency > this.most) this.most = frequency
    if (textLength < this.shortest) this.shortest = textLength
  }

  /** How often `ordinal` has the word: 0 when it is not between the places `low` and `high`. */
  frequencyOf(ordinal: number, low = 0, high = this.length): number {
    const at = firstNotBelow(this.ordinals, ordinal, low, high)
    return at < high && this.ordinals[at] === ordinal ? (this.frequencies[at] as number) : 0
  }

  /** The first place from `low` on whose ordinal is not below the one given. Cheap where that is near. */
  seek(ordinal: number, low: number): number {
    const { ordinals, length } = this
    let from = low
    let step = 1
    while (from + step < length && (ordinals[from + step] as number) < ordinal) {
      from += step
      step *= 2
    }
    return firstNotBelow(ordinals, ordinal, from, Math.min(length, from + step))
  }

  /** Keeps what `renumbered` gives a new ordinal (those ascend as well); the others go. */
  compact(renumbered: Int32Array): void {
    let kept = 0
    for (let i = 0; i < this.length; i++) {
      const next = renumbered[this.ordinals[i] as number] as number
      if (next < 0) continue
      this.ordinals[kept] = next
      this.frequencies[kept++] = this.frequencies[i] as number
    }
    this.length = kept
    if (kept * 4 < this.ordinals.length) {
      this.ordinals = this.ordinals.slice(0, Math.max(2, kept))
      this.frequencies = this.frequencies.slice(0, Math.max(2, kept))
    }
  }

  #grow(): void {
    // By half, not by two: most of the memory of an index is in long lists.
    const capacity = Math.max(4, Math.ceil(this.length * 1.5))
    const ordinals = new Uint32Array(capacity)
    ordinals.set(this.ordinals)
    this.ordinals = ordinals
    const frequencies = new Uint8Array(capacity)
    frequencies.set(this.frequencies)
    this.frequencies = frequencies
  }
}
