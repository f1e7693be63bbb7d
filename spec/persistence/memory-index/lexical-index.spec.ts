import { expect } from 'chai'
import fc from 'fast-check'
import { LexicalIndex } from '../../../persistence/memory-index/lexical-index.ts'
import { askedWordsOf, wordsOf } from '../../../persistence/memory-index/words.ts'
import { seeded } from '../../support/index-entries.ts'

describe('lexical search', () => {
  /** Words by Zipf's law, so that there are common ones to leave out and rare ones to win by. */
  const texts = (count: number, seed: number) => {
    const random = seeded(seed)
    const word = () => `w${Math.floor(80 ** random()) - 1}x`
    return Array.from({ length: count }, () => Array.from({ length: 1 + Math.floor(random() * 12) }, word).join(' '))
  }

  it('finds the best although it does not read the lists of common words to their end (L1, L2)', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 20 }),
        (seed, count, depth) => {
          const all = texts(count, seed)
          const index = new LexicalIndex()
          all.forEach((text, ordinal) => {
            index.add(ordinal, text)
          })
          const isEven = (ordinal: number) => ordinal % 2 === 0
          for (const text of texts(5, seed + 1)) {
            const query = index.queryOf(text)
            const scores = all
              .map((_, ordinal) => (isEven(ordinal) ? index.scoreOf(query, ordinal) : 0))
              .filter((score) => score > 0)
              .sort((a, b) => b - a)
              .slice(0, depth)
            const top = index.top(query, depth, isEven)
            expect(top.length).to.equal(scores.length)
            top.forEach(({ score, ordinal }, i) => {
              expect(score).to.be.closeTo(scores[i] as number, 1e-5)
              expect(isEven(ordinal)).to.equal(true)
            })
            const among = Uint32Array.from(all.keys())
            const asked = index.top(query, depth, isEven, among)
            expect(asked.length).to.equal(top.length)
            asked.forEach(({ score }, i) => {
              expect(score).to.be.closeTo(top[i]?.score as number, 1e-5)
            })
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('asks of common words only the texts that are in the race, once rarer words have settled it (L1)', () => {
    const index = new LexicalIndex()
    for (let i = 0; i < 5_000; i++) index.add(i, i % 500 === 0 ? 'needle common plain' : 'common plain other')
    let looked = 0
    const top = index.top(index.queryOf('needle common plain'), 5, () => {
      looked++
      return true
    })
    expect(top).to.have.length(5)
    expect(looked, 'texts looked at').to.equal(10)
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
