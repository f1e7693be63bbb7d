import type { IndexEntry, IndexQuery } from '../../actors/memory/index/memory-index.ts'
import { NOW, seeded, unit } from '../support/index-entries.ts'

const VOCABULARY = 200_000
const CLUSTERS = 5_000
const DIMENSIONS = 512
/** Of a vector's length, how much is its own and not its cluster's. */
const SPREAD = 0.8

/** Memories that are made up, the same at every run: 8 to 24 words by Zipf's law, a vector near one of 5,000 topics. */
export class SyntheticMemories {
  readonly #random = seeded(20_261_124)
  readonly #cumulative: Float64Array
  readonly #topics: readonly Float32Array[]
  /** Draws of a normal distribution: 512 of them for every vector would be most of the time. */
  readonly #noise: Float32Array

  constructor() {
    this.#cumulative = new Float64Array(VOCABULARY)
    let sum = 0
    for (let rank = 0; rank < VOCABULARY; rank++) {
      sum += 1 / (rank + 2.7)
      this.#cumulative[rank] = sum
    }
    this.#noise = Float32Array.from({ length: 100_003 }, () => this.#normal() / Math.sqrt(DIMENSIONS))
    this.#topics = Array.from({ length: CLUSTERS }, () =>
      unit(...Array.from({ length: DIMENSIONS }, () => this.#normal())),
    )
  }

  entry(i: number): IndexEntry {
    return {
      key: `memory-${i}`,
      text: this.#words(8 + Math.floor(this.#random() * 17)),
      tags: [`tag ${Math.floor(this.#random() * 10)}`],
      universe: `universe ${Math.floor(this.#random() * 100)}`,
      importance: this.#random(),
      createdAt: NOW - this.#random() * 365 * 24 * 3_600_000,
      vector: this.#vector(),
    }
  }

  /** A question of three to eight words: as in the texts, of the thirty commonest alone, or one rare word. */
  query(words: 'natural' | 'common' | 'rare'): IndexQuery {
    const length = 3 + Math.floor(this.#random() * 6)
    const common = () => Array.from({ length }, () => word(Math.floor(this.#random() * 30))).join(' ')
    const text = words === 'natural' ? this.#words(length) : words === 'common' ? common() : word(VOCABULARY - 1)
    return { text, vector: this.#vector(), mode: 'hybrid', limit: 10, now: NOW }
  }

  #words(length: number): string {
    return Array.from({ length }, () => word(this.#rank())).join(' ')
  }

  #rank(): number {
    const at = this.#random() * (this.#cumulative[VOCABULARY - 1] as number)
    let low = 0
    let high = VOCABULARY - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#cumulative[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return low
  }

  #vector(): Float32Array {
    const topic = this.#topics[Math.floor(this.#random() * CLUSTERS)] as Float32Array
    let from = Math.floor(this.#random() * this.#noise.length)
    const vector = new Float32Array(DIMENSIONS)
    let square = 0
    for (let i = 0; i < DIMENSIONS; i++) {
      if (from === this.#noise.length) from = 0
      const component = (topic[i] as number) + SPREAD * (this.#noise[from++] as number)
      vector[i] = component
      square += component * component
    }
    const length = Math.sqrt(square)
    for (let i = 0; i < DIMENSIONS; i++) vector[i] = (vector[i] as number) / length
    return vector
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
  }
}

/** No stem, no function word: `w1k3`. */
const word = (rank: number) => `w${rank.toString(36)}q${rank % 10}`
