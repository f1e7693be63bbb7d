import { expect } from 'chai'
import fc from 'fast-check'
import { LexicalIndex } from '../../../persistence/memory-index/lexical-index.ts'
import { OrdinalSet } from '../../../persistence/memory-index/ordinal-set.ts'
import { PostingList } from '../../../persistence/memory-index/posting-list.ts'
import { Sieve } from '../../../persistence/memory-index/sieve.ts'
import { WordRace } from '../../../persistence/memory-index/word-race.ts'
import { askedWordsOf, wordsOf } from '../../../persistence/memory-index/words.ts'
import { seeded } from '../../support/index-entries.ts'

describe('lexical search', () => {
  /** Words by Zipf's law, so that there are common ones to leave out and rare ones to win by. */
  const texts = (count: number, seed: number) => {
    const random = seeded(seed)
    const word = () => `w${Math.floor(80 ** random()) - 1}x`
    return Array.from({ length: count }, () => Array.from({ length: 1 + Math.floor(random() * 12) }, word).join(' '))
  }

  const sieveOf = (end: number, isCurrent: (ordinal: number) => boolean, sets: readonly OrdinalSet[] = []) => {
    const current = (among: Uint32Array = Uint32Array.from({ length: end }, (_, i) => i)) => among.filter(isCurrent)
    return new Sieve({ end, size: end, isCurrent, current, isAgeAsked: false }, sets)
  }
  const every = (step: number, end: number) => {
    const set = new OrdinalSet()
    for (let ordinal = 0; ordinal < end; ordinal += step) set.add(ordinal)
    return set
  }

  it('finds the best that pass, whichever lists it reads and whichever it asks (L1, L2, L3)', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 20 }),
        // Far enough apart for many windows.
        fc.constantFrom(1, 50, 1_100),
        fc.constantFrom(1, 2, 7, 90),
        (seed, count, depth, apart, step) => {
          const all = texts(count, seed)
          const end = count * apart
          const index = new LexicalIndex()
          all.forEach((text, i) => {
            index.add(i * apart, text)
          })
          const isCurrent = (ordinal: number) => ordinal % 3 !== 0
          const sieve = sieveOf(end, isCurrent, step === 1 ? [] : [every(step, end)])
          for (const text of texts(5, seed + 1)) {
            const query = index.queryOf(text)
            const scores = all
              .map((_, i) => i * apart)
              .filter((ordinal) => isCurrent(ordinal) && ordinal % step === 0)
              .map((ordinal) => ({ ordinal, score: index.scoreOf(query, ordinal) }))
              .filter(({ score }) => score > 0)
              .sort((a, b) => b.score - a.score || b.ordinal - a.ordinal)
              .slice(0, depth)
            const top = index.top(query, depth, sieve)
            expect(top.map(({ ordinal }) => ordinal)).to.deep.equal(scores.map(({ ordinal }) => ordinal))
            top.forEach(({ score }, i) => {
              expect(score).to.be.closeTo(scores[i]?.score as number, 1e-9)
            })
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('asks of common words only the texts that are in the race, once rarer words have settled it (L1)', () => {
    let asked = 0
    class Watched extends PostingList {
      override frequencyOf(ordinal: number, low?: number, high?: number): number {
        asked++
        return super.frequencyOf(ordinal, low, high)
      }
    }
    const texts = 20_000
    const needle = new PostingList()
    const common = new Watched()
    for (let i = 0; i < texts; i++) {
      if (i % 500 === 0) needle.push(i, 1, 3)
      common.push(i, 1, 3)
    }
    let looked = 0
    const words = [
      { list: needle, idf: 6 },
      { list: common, idf: 0.1 },
    ]
    const norms = new Float32Array(256).fill(1)
    const best = new WordRace().best(words, { lengths: new Uint8Array(texts).fill(3), norms }, 5, () => {
      looked++
      return true
    })
    expect(best.sorted().map(({ ordinal }) => ordinal)).to.deep.equal([19_500, 19_000, 18_500, 18_000, 17_500])
    expect(looked, 'texts looked at').to.equal(40)
    // The first window's list is read: nothing is known yet.
    expect(asked, 'texts that the common word was asked for').to.equal(31)
  })

  for (const [text, expected] of [
    ["Maria's dogs didn't bark", ['maria', 'dog', 'didnt', 'bark']],
    ['1,450 euros, 99.93 percent, 07:25', ['1450', 'euro', '99.93', 'percent', '07', '25']],
    ['ＣＡＦÉ café', ['cafe', 'cafe']],
    ['e.g. soma.example.com', ['e', 'g', 'soma', 'exampl', 'com']],
    ['INV-2041 foo_bar', ['inv', '2041', 'foo', 'bar']],
    ['東京都', ['東京', '京都']],
    ['水', ['水']],
    ['한국어 texts', ['한국어', 'text']],
    ['', []],
  ] as const)
    it(`takes ${JSON.stringify(text)} for ${expected.join(', ')}`, () => {
      expect(wordsOf(text)).to.deep.equal(expected)
    })

  it('asks without function words, unless there are no others', () => {
    expect(askedWordsOf('what is the password of the router?')).to.include.members(['password', 'router'])
    expect(askedWordsOf('what is the password of the router?')).to.not.include('the')
    expect(askedWordsOf('this and that')).to.deep.equal(['thi', 'and', 'that'])
  })

  it('makes words of any text at all, and no more than it may', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.integer({ min: 0, max: 20 }), (text, max) => {
        const words = wordsOf(text, max)
        expect(words.length).to.be.at.most(max)
        for (const word of words) expect(word).to.not.equal('')
      }),
    )
  })
})
