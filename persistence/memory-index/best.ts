/** The best `limit` of many scored ordinals, by a heap whose root is the worst of them. Of equals the newer one wins. */
export class Best {
  readonly #limit: number
  readonly #scores: Float64Array
  readonly #ordinals: Uint32Array
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
    this.#scores = new Float64Array(limit)
    this.#ordinals = new Uint32Array(limit)
  }

  /** What a score has to beat to be kept; -Infinity while there is room. */
  get threshold(): number {
    return this.#size < this.#limit ? Number.NEGATIVE_INFINITY : (this.#scores[0] as number)
  }

  offer(ordinal: number, score: number): void {
    if (this.#size < this.#limit) {
      this.#place(this.#size++, ordinal, score)
      this.#rise(this.#size - 1)
    } else if (this.#isWorse(0, ordinal, score)) {
      this.#place(0, ordinal, score)
      this.#sink()
    }
  }

  /** Best first. */
  sorted(): Scored[] {
    const all = Array.from({ length: this.#size }, (_, i) => ({
      ordinal: this.#ordinals[i] as number,
      score: this.#scores[i] as number,
    }))
    return all.sort((a, b) => b.score - a.score || b.ordinal - a.ordinal)
  }

  #place(at: number, ordinal: number, score: number): void {
    this.#ordinals[at] = ordinal
    this.#scores[at] = score
  }

  /** Whether what is kept at `at` is worse than the one given. */
  #isWorse(at: number, ordinal: number, score: number): boolean {
    const kept = this.#scores[at] as number
    return kept < score || (kept === score && (this.#ordinals[at] as number) < ordinal)
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (this.#isWorse(parent, this.#ordinals[at] as number, this.#scores[at] as number)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let worst = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#size && this.#isWorse(child, this.#ordinals[worst] as number, this.#scores[worst] as number))
          worst = child
      }
      if (worst === at) return
      this.#swap(at, worst)
      at = worst
    }
  }

  #swap(a: number, b: number): void {
    const ordinal = this.#ordinals[a] as number
    const score = this.#scores[a] as number
    this.#place(a, this.#ordinals[b] as number, this.#scores[b] as number)
    this.#place(b, ordinal, score)
  }
}

export interface Scored {
  readonly ordinal: number
  readonly score: number
}
