import type { Scored } from './best.ts'
import { PostingList } from './posting-list.ts'
import type { Sieve } from './sieve.ts'
import { ASKING, type QueryWord, WordRace } from './word-race.ts'
import { askedWordsOf, wordsOf } from './words.ts'

/** Distinct words of a query that count: the first ones (I9). */
const MAX_QUERY_WORDS = 64
/** How soon a repeated word stops counting more, and how much a long text is held against it. Memories are short. */
const SATURATION = 0.6
const LENGTH_SHARE = 0.4
const LONGEST_COUNTED = 255

/**
 * BM25 over short texts, whose scores are the share of a query's information that a text has: 1 would be every word,
 * endlessly often. A word's weight is its idf, which bounds what the word can add, and that bound is what makes common words
 * cheap (word-race.ts).
 */
export class LexicalIndex {
  readonly #lists = new Map<string, PostingList>()
  #lengths = new Uint8Array(64)
  #count = 0
  #totalLength = 0
  readonly #race = new WordRace()

  add(ordinal: number, text: string): void {
    const words = wordsOf(text)
    this.#reserve(ordinal)
    const length = Math.min(words.length, LONGEST_COUNTED)
    const frequencies = new Map<string, number>()
    for (const word of words) frequencies.set(word, (frequencies.get(word) ?? 0) + 1)
    for (const [word, frequency] of frequencies) {
      let list = this.#lists.get(word)
      if (list === undefined) {
        list = new PostingList()
        this.#lists.set(word, list)
      }
      list.push(ordinal, Math.min(frequency, 255), length)
    }
    this.#lengths[ordinal] = length
    this.#count++
    this.#totalLength += words.length
  }

  /** The best `depth` of the texts that pass. */
  top({ words, weight, norms }: LexicalQuery, depth: number, sieve: Sieve): Scored[] {
    if (words.length === 0) return []
    const texts = { lengths: this.#lengths, norms }
    const postings = words.reduce((sum, { list }) => sum + list.length, 0)
    const best =
      sieve.atMost * words.length * ASKING < postings
        ? this.#race.bestAmong(words, texts, depth, sieve.all)
        : this.#race.best(words, texts, depth, (ordinal) => sieve.passes(ordinal))
    return best.sorted().map(({ ordinal, score }) => ({ ordinal, score: score / weight }))
  }

  /** The score of one text. */
  scoreOf({ words, weight, norms }: LexicalQuery, ordinal: number): number {
    const norm = norms[this.#lengths[ordinal] as number] as number
    let sum = 0
    for (const { list, idf } of words) {
      const frequency = list.frequencyOf(ordinal)
      sum += (idf * frequency) / (frequency + norm)
    }
    return weight === 0 ? 0 : sum / weight
  }

  /** A query's words, rarest first. Words that no text has are part of its information all the same. */
  queryOf(text: string): LexicalQuery {
    const norms = this.#norms()
    const words: QueryWord[] = []
    let weight = 0
    for (const word of askedWordsOf(text).slice(0, MAX_QUERY_WORDS)) {
      const list = this.#lists.get(word)
      const idf = this.#idf(list?.length ?? 0)
      weight += idf
      if (list !== undefined && list.length > 0) words.push({ list, idf })
    }
    words.sort((a, b) => b.idf - a.idf)
    return { words, weight, norms }
  }

  compact(renumbered: Int32Array): void {
    let count = 0
    let total = 0
    for (let ordinal = 0; ordinal < renumbered.length; ordinal++) {
      const next = renumbered[ordinal] as number
      if (next < 0) continue
      this.#lengths[next] = this.#lengths[ordinal] as number
      total += this.#lengths[next] as number
      count++
    }
    this.#count = count
    this.#totalLength = total
    for (const [word, list] of this.#lists) {
      list.compact(renumbered)
      if (list.length === 0) this.#lists.delete(word)
    }
  }

  #idf(frequency: number): number {
    return Math.log(1 + (Math.max(this.#count, 1) - frequency + 0.5) / (frequency + 0.5))
  }

  #norms(): Float32Array {
    const average = Math.max(1, this.#totalLength / Math.max(1, this.#count))
    return Float32Array.from(
      { length: LONGEST_COUNTED + 1 },
      (_, length) => SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * length) / average),
    )
  }

  #reserve(ordinal: number): void {
    if (ordinal < this.#lengths.length) return
    const capacity = Math.ceil((ordinal + 1) * 1.5)
    const lengths = new Uint8Array(capacity)
    lengths.set(this.#lengths)
    this.#lengths = lengths
  }
}

export interface LexicalQuery {
  readonly words: readonly QueryWord[]
  /** The information of all its words. */
  readonly weight: number
  readonly norms: Float32Array
}
