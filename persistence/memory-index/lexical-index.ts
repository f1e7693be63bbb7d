import { Best, type Scored } from './best.ts'
import { PostingList } from './posting-list.ts'
import { askedWordsOf, wordsOf } from './words.ts'

/** Distinct words of a query that count: the first ones (I9). */
const MAX_QUERY_WORDS = 64
/** How soon a repeated word stops counting more, and how much a long text is held against it. Memories are short. */
const SATURATION = 0.6
const LENGTH_SHARE = 0.4
const LONGEST_COUNTED = 255

/**
 * BM25 over short texts, whose scores are the share of a query's information that a text has: 1 would be every word,
 * endlessly often. A word's weight is its idf alone, so it bounds what the word can add, and that bound is what makes common
 * words cheap (MaxScore, Turtle and Flood 1995):
 *   L1. Words are taken rarest first. As soon as all the words left together cannot lift a text over the worst of the best
 *       so far, no text that has only those is looked at: their lists, the longest ones, are not read but asked for the
 *       few texts that are still in the race.
 *   L2. Exact: the best are those that reading every list to its end would give.
 */
export class LexicalIndex {
  readonly #lists = new Map<string, PostingList>()
  #lengths = new Uint8Array(64)
  #count = 0
  #totalLength = 0
  /** By ordinal, zero between searches. */
  #scores = new Float32Array(64)
  #touched = new Uint32Array(64)

  add(ordinal: number, text: string): void {
    const words = wordsOf(text)
    this.#reserve(ordinal)
    const frequencies = new Map<string, number>()
    for (const word of words) frequencies.set(word, (frequencies.get(word) ?? 0) + 1)
    for (const [word, frequency] of frequencies) {
      let list = this.#lists.get(word)
      if (list === undefined) {
        list = new PostingList()
        this.#lists.set(word, list)
      }
      list.push(ordinal, Math.min(frequency, 255))
    }
    this.#lengths[ordinal] = Math.min(words.length, LONGEST_COUNTED)
    this.#count++
    this.#totalLength += words.length
  }

  /** The best `depth` of the texts that `passes`; of `among` alone where that is given. */
  top(query: LexicalQuery, depth: number, passes: (ordinal: number) => boolean, among?: Uint32Array): Scored[] {
    const { words, weight } = query
    if (words.length === 0) return []
    const best = among === undefined ? this.#raced(words, depth, passes) : this.#asked(words, depth, passes, among)
    return best.sorted().map(({ ordinal, score }) => ({ ordinal, score: score / weight }))
  }

  /** The score of one text. */
  scoreOf(query: LexicalQuery, ordinal: number): number {
    let sum = 0
    for (const { list, idf } of query.words) sum += idf * this.#impact(list.weightOf(ordinal), ordinal, query.norms)
    return query.weight === 0 ? 0 : sum / query.weight
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
      if (list !== undefined && list.length > 0) words.push({ list, idf, norms })
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

  #raced(words: readonly QueryWord[], depth: number, passes: (ordinal: number) => boolean): Best {
    const bounds = words.map((_, i) => words.slice(i).reduce((sum, { idf }) => sum + idf, 0))
    let touched = 0
    let threshold = Number.NEGATIVE_INFINITY
    let from = 0
    for (; from < words.length; from++) {
      if ((bounds[from] as number) < threshold) break // L1
      touched = this.#read(words[from] as QueryWord, touched, passes)
      if (from + 1 < words.length) threshold = this.#bestOf(touched, depth).threshold
    }
    for (; from < words.length; from++)
      this.#ask(words[from] as QueryWord, touched, threshold - (bounds[from] as number))
    const best = this.#bestOf(touched, depth)
    for (let i = 0; i < touched; i++) this.#scores[this.#touched[i] as number] = 0
    return best
  }

  /** Reads one list to its end; returns how many texts have a score now. */
  #read({ list, idf, norms }: QueryWord, touched: number, passes: (ordinal: number) => boolean): number {
    const { ordinals, weights, length } = list
    const scores = this.#scores
    const lengths = this.#lengths
    let count = touched
    if (this.#touched.length < count + length) this.#touched = grown(this.#touched, count + length)
    for (let i = 0; i < length; i++) {
      const ordinal = ordinals[i] as number
      const score = scores[ordinal] as number
      if (score === 0) {
        if (!passes(ordinal)) continue
        this.#touched[count++] = ordinal
      }
      const frequency = weights[i] as number
      scores[ordinal] = score + (idf * frequency) / (frequency + (norms[lengths[ordinal] as number] as number))
    }
    return count
  }

  /** Asks one list for the texts that have a score of at least `least`: those below cannot win any more. */
  #ask({ list, idf, norms }: QueryWord, touched: number, least: number): void {
    const scores = this.#scores
    for (let i = 0; i < touched; i++) {
      const ordinal = this.#touched[i] as number
      const score = scores[ordinal] as number
      if (score >= least) scores[ordinal] = score + idf * this.#impact(list.weightOf(ordinal), ordinal, norms)
    }
  }

  #asked(words: readonly QueryWord[], depth: number, passes: (ordinal: number) => boolean, among: Uint32Array): Best {
    const best = new Best(depth)
    for (const ordinal of among) {
      if (!passes(ordinal)) continue
      let score = 0
      for (const { list, idf, norms } of words) score += idf * this.#impact(list.weightOf(ordinal), ordinal, norms)
      if (score > 0) best.offer(ordinal, score)
    }
    return best
  }

  #bestOf(touched: number, depth: number): Best {
    const best = new Best(depth)
    let threshold = Number.NEGATIVE_INFINITY
    for (let i = 0; i < touched; i++) {
      const ordinal = this.#touched[i] as number
      const score = this.#scores[ordinal] as number
      if (score < threshold) continue
      best.offer(ordinal, score)
      threshold = best.threshold
    }
    return best
  }

  #impact(frequency: number, ordinal: number, norms: Float32Array): number {
    return frequency / (frequency + (norms[this.#lengths[ordinal] as number] as number))
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
    this.#scores = new Float32Array(capacity)
  }
}

export interface LexicalQuery {
  readonly words: readonly QueryWord[]
  /** The information of all its words. */
  readonly weight: number
  readonly norms: Float32Array
}

interface QueryWord {
  readonly list: PostingList
  readonly idf: number
  readonly norms: Float32Array
}

function grown(array: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(Math.ceil(capacity * 1.2))
  next.set(array)
  return next
}
