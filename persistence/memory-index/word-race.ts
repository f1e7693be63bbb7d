import { Best } from './best.ts'
import type { PostingList } from './posting-list.ts'

/** Ordinals that are scored together: their sums stay in the nearest cache, 32 KB. */
const WINDOW = 4_096
/** After every ordinal, and a small integer: sums with Infinity would be made of doubles. */
const END = 0x3fffffff
/** Asking a list for one text takes as long as reading so many postings of it. */
export const ASKING = 8
/** Sums in another order differ in their last bits: a bound must not fall below what it bounds. */
const ROUNDING = 1 + 1e-9

/** One word of a query: a text gets `idf * f / (f + norms[its length])` for having it `f` times. */
export interface QueryWord {
  readonly list: PostingList
  readonly idf: number
}

export interface Texts {
  /** By ordinal. */
  readonly lengths: Uint8Array
  /** By length. */
  readonly norms: Float32Array
}

/**
 * The best texts for some words, without reading all of the common ones' lists (MaxScore, Turtle and Flood 1995), ordinals
 * taken window by window.
 *   L1. Words are taken rarest first. As soon as all the words left together cannot lift a text over the worst of the best
 *       so far, no text that has only those is looked at: their lists, the longest ones, are not read but asked for the
 *       few texts that are still in the race.
 *   L2. Exact: the best are those that reading every list to its end would give.
 *   L3. What a filter excludes is scored with its window and then left: a look at every posting would cost more. It is asked
 *       only of a text that would be among the best.
 */
export class WordRace {
  /** Of one window; zero between searches. */
  readonly #scores = new Float64Array(WINDOW)

  /** `words` are those of a query, rarest first. */
  best(words: readonly QueryWord[], texts: Texts, depth: number, passes: (ordinal: number) => boolean): Best {
    const { lengths, norms } = texts
    const scores = this.#scores
    const rests = restsOf(words, norms)
    const starts = new Uint32Array(words.length)
    const ends = new Uint32Array(words.length)
    const best = new Best(depth)
    let threshold = Number.NEGATIVE_INFINITY
    let leading = words.length
    let read = words.length
    for (;;) {
      if (leading > 0 && (rests[leading - 1] as number) < threshold) {
        while (leading > 0 && (rests[leading - 1] as number) < threshold) leading-- // L1
        read = readWith(words, leading)
      }
      const start = nextOrdinal(words, ends, leading)
      if (start === END) return best
      for (let w = 0; w < words.length; w++) {
        const { list } = words[w] as QueryWord
        const from = w < leading ? (ends[w] as number) : list.seek(start, ends[w] as number)
        starts[w] = from
        ends[w] = w < read ? this.#add(words[w] as QueryWord, texts, start, from) : Math.min(list.length, from + WINDOW)
      }
      const rest = rests[read] as number
      for (let w = 0; w < leading; w++) {
        const { ordinals } = (words[w] as QueryWord).list
        const end = ends[w] as number
        for (let i = starts[w] as number; i < end; i++) {
          const ordinal = ordinals[i] as number
          let score = scores[ordinal - start] as number
          // Seen with a rarer word.
          if (score === 0) continue
          scores[ordinal - start] = 0
          if (score + rest < threshold || !passes(ordinal)) continue // L3
          const norm = norms[lengths[ordinal] as number] as number
          for (let left = read; left < words.length && score + (rests[left] as number) >= threshold; left++) {
            const { list, idf } = words[left] as QueryWord
            const frequency = list.frequencyOf(ordinal, starts[left], ends[left])
            score += (idf * frequency) / (frequency + norm)
          }
          if (score < threshold) continue
          best.offer(ordinal, score)
          threshold = best.threshold
        }
      }
      if (read > leading) scores.fill(0)
      // What was only asked is found again from where its window began.
      ends.set(starts.subarray(read), read)
    }
  }

  /** The same for a few texts, ascending: every list is asked for each. */
  bestAmong(words: readonly QueryWord[], texts: Texts, depth: number, among: Uint32Array): Best {
    const { lengths, norms } = texts
    const rests = restsOf(words, norms)
    const places = new Uint32Array(words.length)
    const best = new Best(depth)
    let threshold = Number.NEGATIVE_INFINITY
    for (const ordinal of among) {
      const norm = norms[lengths[ordinal] as number] as number
      let score = 0
      for (let w = 0; w < words.length && score + (rests[w] as number) >= threshold; w++) {
        const { list, idf } = words[w] as QueryWord
        const place = list.seek(ordinal, places[w] as number)
        places[w] = place
        if (place === list.length || list.ordinals[place] !== ordinal) continue
        const frequency = list.frequencies[place] as number
        score += (idf * frequency) / (frequency + norm)
      }
      if (score === 0 || score < threshold) continue
      best.offer(ordinal, score)
      threshold = best.threshold
    }
    return best
  }

  /** Adds what one word gives to the texts of a window; returns the place in its list after the window. */
  #add({ list, idf }: QueryWord, { lengths, norms }: Texts, start: number, from: number): number {
    const { ordinals, frequencies, length } = list
    const scores = this.#scores
    const end = start + WINDOW
    let at = from
    for (; at < length; at++) {
      const ordinal = ordinals[at] as number
      if (ordinal >= end) break
      const frequency = frequencies[at] as number
      const score = (idf * frequency) / (frequency + (norms[lengths[ordinal] as number] as number))
      scores[ordinal - start] = (scores[ordinal - start] as number) + score
    }
    return at
  }
}

/** What the words from each place on can add together, and 0 after the last. */
function restsOf(words: readonly QueryWord[], norms: Float32Array): Float64Array {
  const rests = new Float64Array(words.length + 1)
  for (let w = words.length - 1; w >= 0; w--) {
    const { list, idf } = words[w] as QueryWord
    const most = (idf * list.most) / (list.most + (norms[list.shortest] as number))
    rests[w] = (rests[w + 1] as number) + most * ROUNDING
  }
  return rests
}

/** How many words are read where the first `leading` decide: also those that are not much commoner than these together. */
function readWith(words: readonly QueryWord[], leading: number): number {
  let postings = 0
  for (let w = 0; w < leading; w++) postings += (words[w] as QueryWord).list.length
  let read = leading
  while (read < words.length && (words[read] as QueryWord).list.length < postings * ASKING) read++
  return read
}

/** The lowest ordinal that the first `leading` words have and that was not scored yet; END after the last. */
function nextOrdinal(words: readonly QueryWord[], places: Uint32Array, leading: number): number {
  let next = END
  for (let w = 0; w < leading; w++) {
    const { ordinals, length } = (words[w] as QueryWord).list
    const place = places[w] as number
    if (place < length && (ordinals[place] as number) < next) next = ordinals[place] as number
  }
  return next
}
