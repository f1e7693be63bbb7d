import { stemmer } from 'stemmer'
import { eng } from 'stopword'

/** Words that one text is found by; what comes after is not (I9). About twelve pages. */
export const MAX_WORDS = 4_000

/** A word of letters or digits, with what joins its parts: `don't`, `1,200`, `4.5`. */
const WORD = /[\p{L}\p{M}\p{N}]+(?:['’.,](?=[\p{L}\p{N}])[\p{L}\p{M}\p{N}]+)*/gu
/** Scripts that do not put spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u
const ENGLISH = /^[a-z]+$/
const NUMBER = /^[\d.,]+$/
const LONGEST = 64

/**
 * A text as the terms of the lexical index, in its order and with repetitions. Compatibility forms, case and accents are
 * levelled; English words are cut to their stem (Porter), numbers lose their thousands' commas, and where a script has no
 * spaces every two neighbouring characters are a term.
 */
export function wordsOf(text: string, max = MAX_WORDS): string[] {
  const words: string[] = []
  for (const [match] of levelled(text).matchAll(WORD)) {
    if (words.length >= max) break
    if (UNSPACED.test(match)) addPairs(match, words)
    else if (NUMBER.test(match)) words.push(match.replaceAll(',', '').slice(0, LONGEST))
    else for (const part of match.split(/[.,]/)) if (part !== '') words.push(stem(part.slice(0, LONGEST)))
  }
  return words.length > max ? words.slice(0, max) : words
}

const FUNCTION_WORDS = new Set(eng.map(stem))

/**
 * The words that a question asks by, each once: without the function words of English, unless it has no others. In a small
 * shard «what» and «the» are as rare as any word, and would be taken for what is asked.
 */
export function askedWordsOf(question: string): string[] {
  const words = [...new Set(wordsOf(question))]
  const asked = words.filter((word) => !FUNCTION_WORDS.has(word))
  return asked.length === 0 ? words : asked
}

function levelled(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .toLowerCase()
}

function stem(word: string): string {
  const bare = word.replace(/['’]s$/, '').replace(/['’]/g, '')
  return ENGLISH.test(bare) ? stemmer(bare) : bare
}

function addPairs(run: string, words: string[]): void {
  const characters = [...run]
  if (characters.length === 1) words.push(run)
  for (let i = 0; i + 1 < characters.length; i++) words.push(`${characters[i]}${characters[i + 1]}`)
}
