import { expect } from 'chai'
import { isFailure } from '../../actors/kernel/failure.ts'
import type { IndexQuery, MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { anEntry, aQuery, DAY_MS, NOW, unit } from '../support/index-entries.ts'

/** What every MemoryIndex promises (actors/memory/index/memory-index.ts). */
export function memoryIndexSuite(open: () => MemoryIndex): void {
  let index: MemoryIndex
  beforeEach(() => {
    index = open()
  })
  afterEach(() => index.close())

  const keys = async (query: IndexQuery) => (await index.search(query)).map(({ key }) => key)
  const refusal = async (what: () => unknown) => {
    try {
      await what()
    } catch (error) {
      return isFailure(error) ? error : undefined
    }
    return undefined
  }

  it('finds what was put, best first, with scores in [0, 1], and knows how many there are', async () => {
    index.put([
      anEntry('tea', 'Maria drinks green tea in the morning'),
      anEntry('coffee', 'Jonas drinks coffee'),
      anEntry('dog', 'The dog of Maria is called Bello'),
    ])
    expect(index.size).to.equal(3)
    const hits = await index.search(aQuery('what tea does Maria drink?'))
    expect(hits[0]?.key).to.equal('tea')
    expect(hits.map(({ key }) => key)).to.have.members(['tea', 'dog', 'coffee'])
    for (const { score, lexical, vector } of hits) {
      expect(score).to.be.within(0, 1)
      expect(lexical).to.be.within(0, 1)
      expect(vector).to.equal(0)
    }
    expect(hits.map(({ score }) => score)).to.deep.equal(hits.map(({ score }) => score).sort((a, b) => b - a))
  })

  it('answers from the entry that replaced another, never from the one replaced', async () => {
    index.put([anEntry('a', 'the key is under the mat', { tags: ['old'], vector: unit(1, 0, 0) })])
    index.put([anEntry('a', 'the key hangs at the door', { tags: ['new'], vector: unit(0, 1, 0) })])
    expect(index.size).to.equal(1)
    expect(await keys(aQuery('mat'))).to.deep.equal([])
    expect(await keys(aQuery('door'))).to.deep.equal(['a'])
    expect(await keys(aQuery('key', { tags: ['old'] }))).to.deep.equal([])
    expect(await keys(aQuery('', { mode: 'vector', vector: unit(1, 0, 0) }))).to.deep.equal([])
    expect(await keys(aQuery('', { mode: 'vector', vector: unit(0, 1, 0) }))).to.deep.equal(['a'])
  })

  it('takes a vector that comes later, and then finds by it', async () => {
    index.put([anEntry('a', 'lexical first'), anEntry('b', 'another', { vector: unit(0, 1) })])
    expect(await keys(aQuery('', { mode: 'vector', vector: unit(1, 0.1) }))).to.deep.equal(['b'])
    index.put([anEntry('a', 'lexical first', { vector: unit(1, 0) })])
    expect(await keys(aQuery('', { mode: 'vector', vector: unit(1, 0.1) }))).to.deep.equal(['a', 'b'])
  })

  it('forgets what is removed; a key that is not there is no error', async () => {
    index.put([anEntry('a', 'one apple', { vector: unit(1, 0) }), anEntry('b', 'two apples', { vector: unit(1, 1) })])
    index.remove(['a', 'never there'])
    expect(index.size).to.equal(1)
    for (const mode of ['lexical', 'vector', 'hybrid'] as const)
      expect(await keys(aQuery('apple', { mode, vector: unit(1, 0) }))).to.deep.equal(['b'])
  })

  describe('filters', () => {
    beforeEach(() =>
      index.put([
        anEntry('home', 'the password of the router', { universe: 'home', tags: ['network', 'secret'] }),
        anEntry('work', 'the password of the printer', { universe: 'work', tags: ['network'], sessionId: 's1' }),
        anEntry('mine', 'the password of the safe', { sessionId: 's2', personaId: 'p1', tags: ['secret'] }),
        anEntry('gone', 'the password of the garage', { expiresAt: NOW }),
        anEntry('soon', 'the password of the gate', { expiresAt: NOW + 1 }),
        anEntry('old', 'the password of the cellar', { createdAt: NOW - 400 * DAY_MS }),
      ]),
    )

    const cases: [string, Partial<IndexQuery>, string[]][] = [
      ['none: only what has expired is missing', {}, ['home', 'mine', 'old', 'soon', 'work']],
      ['universe', { universe: 'home' }, ['home']],
      ['a universe that nothing is in', { universe: 'elsewhere' }, []],
      ['one tag', { tags: ['secret'] }, ['home', 'mine']],
      ['several tags: all of them', { tags: ['secret', 'network'] }, ['home']],
      ['no tags', { tags: [] }, ['home', 'mine', 'old', 'soon', 'work']],
      ['session', { sessionId: 's1' }, ['work']],
      ['persona', { personaId: 'p1' }, ['mine']],
      ['age', { maxAgeMs: 2 * DAY_MS }, ['home', 'mine', 'soon', 'work']],
      ['expiry, an hour later', { now: NOW + 3_600_000 }, ['home', 'mine', 'old', 'work']],
      ['several together', { universe: 'main', sessionId: 's2', tags: ['secret'], maxAgeMs: 2 * DAY_MS }, ['mine']],
      ['several that nothing passes together', { universe: 'home', sessionId: 's2' }, []],
      ['a value of another kind', { universe: 's1', tags: ['home'] }, []],
    ]
    for (const [name, filter, expected] of cases)
      it(`by ${name}`, async () => {
        expect((await keys(aQuery('password', filter))).sort()).to.deep.equal(expected)
      })

    it('by score', async () => {
      const all = await index.search(aQuery('password of the safe'))
      const best = all[0]?.score as number
      expect(await keys(aQuery('password of the safe', { minScore: best }))).to.deep.equal(['mine'])
      expect(await keys(aQuery('password of the safe', { minScore: 1 }))).to.deep.equal([])
    })
  })

  it('filters before it cuts: the one of another universe is found behind a thousand that fit better', async () => {
    index.put(
      Array.from({ length: 1_000 }, (_, i) => anEntry(`m${i}`, 'password password', { vector: unit(1, 0, i / 1e5) })),
    )
    const far = { universe: 'far', vector: unit(0.2, 1, 0) }
    index.put([anEntry('far', 'somewhere among many other words there was a password', far)])
    for (const mode of ['lexical', 'vector', 'hybrid'] as const) {
      const query = aQuery('password', { mode, vector: unit(1, 0, 0), limit: 1 })
      expect(await keys({ ...query, universe: 'far' })).to.deep.equal(['far'])
      expect(await keys(query)).to.not.include('far')
    }
  })

  it('answers a question without words by nothing, and lexical search needs no vector', async () => {
    index.put([anEntry('a', 'something', { vector: unit(1, 0) })])
    for (const text of ['', '   ', '?!… — 🙂']) {
      expect(await keys(aQuery(text))).to.deep.equal([])
      expect(await keys(aQuery(text, { mode: 'hybrid' }))).to.deep.equal([])
      expect(await keys(aQuery(text, { mode: 'hybrid', vector: unit(1, 0) }))).to.deep.equal(['a'])
    }
    expect(await keys(aQuery('something', { mode: 'hybrid' }))).to.deep.equal(['a'])
  })

  it('answers from an empty index by nothing', async () => {
    for (const mode of ['lexical', 'vector', 'hybrid'] as const)
      expect(await keys(aQuery('anything', { mode, vector: unit(1, 0) }))).to.deep.equal([])
    expect(index.size).to.equal(0)
  })

  it('takes huge texts and huge questions', async () => {
    const long = Array.from({ length: 200_000 }, (_, i) => `word${i % 50_000}`).join(' ')
    index.put([anEntry('long', `needle ${long}`), anEntry('short', 'needle')])
    expect(await keys(aQuery(`needle ${long}`))).to.have.members(['long', 'short'])
    expect(await keys(aQuery('x'.repeat(1_000_000)))).to.deep.equal([])
  })

  it('finds words of every script, whatever their case, accents and width', async () => {
    index.put([
      anEntry('french', 'Le café de Zoé est fermé'),
      anEntry('german', 'Die Straße nach Köln'),
      anEntry('greek', 'Η Αθήνα είναι μεγάλη'),
      anEntry('russian', 'Москва не спит'),
      anEntry('japanese', '東京都に住んでいます'),
      anEntry('chinese', '他住在北京市朝阳区'),
      anEntry('arabic', 'القاهرة مدينة كبيرة'),
      anEntry('hindi', 'दिल्ली बहुत बड़ी है'),
      anEntry('wide', 'ＩＮＶＯＩＣＥ ２０２６'),
    ])
    const asked = {
      CAFE: 'french',
      köln: 'german',
      ΑΘΉΝΑ: 'greek',
      москва: 'russian',
      東京: 'japanese',
      北京: 'chinese',
    }
    const more = { القاهرة: 'arabic', दिल्ली: 'hindi', 'invoice 2026': 'wide' }
    for (const [text, key] of Object.entries({ ...asked, ...more }))
      expect(await keys(aQuery(text)), text).to.deep.equal([key])
  })

  it('gives the same answer to the same question, and the newest of equals first', async () => {
    index.put(Array.from({ length: 50 }, (_, i) => anEntry(`e${i}`, 'all the same', { createdAt: NOW - DAY_MS + i })))
    const first = await index.search(aQuery('same'))
    expect(first.map(({ key }) => key)).to.deep.equal(Array.from({ length: 10 }, (_, i) => `e${49 - i}`))
    expect(await index.search(aQuery('same'))).to.deep.equal(first)
  })

  it('lets importance and freshness settle what fits equally, and nothing more', async () => {
    index.put([
      anEntry('important', 'the train leaves at nine', { importance: 1 }),
      anEntry('trifling', 'the train leaves at nine', { importance: 0 }),
      anEntry('ancient', 'the train leaves at nine', { importance: 1, createdAt: 0 }),
      anEntry('better', 'the night train leaves at nine', { importance: 0, createdAt: 0 }),
    ])
    expect(await keys(aQuery('train leaves at nine', { limit: 3 }))).to.deep.equal(['important', 'ancient', 'trifling'])
    expect((await keys(aQuery('night train')))[0]).to.equal('better')
  })

  it('refuses a vector of another model, one that is not of length one, and a question it cannot answer', async () => {
    index.put([anEntry('a', 'three', { vector: unit(1, 0, 0) })])
    const wrong = await refusal(() => index.put([anEntry('b', 'two', { vector: unit(1, 0) })]))
    expect(wrong?.code).to.equal('INVALID_REQUEST')
    expect(wrong?.detail).to.include('memory b has 2 dimensions').and.include('embed the text anew')
    const long = await refusal(() => index.put([anEntry('b', 'long', { vector: Float32Array.of(1, 1, 1) })]))
    expect(long?.detail).to.include('not of length one')
    const nan = await refusal(() => index.put([anEntry('b', 'nan', { vector: Float32Array.of(Number.NaN, 0, 0) })]))
    expect(nan?.detail).to.include('not of length one')
    expect((await refusal(() => index.search(aQuery('x', { vector: unit(1, 0), mode: 'hybrid' }))))?.code).to.equal(
      'INVALID_REQUEST',
    )
    expect((await refusal(() => index.search(aQuery('x', { mode: 'vector' }))))?.detail).to.include('needs a vector')
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN])
      expect((await refusal(() => index.search(aQuery('x', { limit }))))?.detail).to.include('limit')
    expect(index.size, 'nothing of a refused put is kept').to.equal(1)
  })

  it('sees every put and remove before the question, however many', async () => {
    const many = Array.from({ length: 3_000 }, (_, i) => anEntry(`k${i}`, `fact number ${i}`))
    index.put(many)
    expect(await keys(aQuery('2999'))).to.deep.equal(['k2999'])
    index.remove(many.map(({ key }) => key))
    expect(index.size).to.equal(0)
    expect(await keys(aQuery('fact'))).to.deep.equal([])
  })

  it('stays right when nearly everything in it was replaced again and again', async () => {
    const round = (n: number) =>
      Array.from({ length: 1_500 }, (_, i) =>
        anEntry(`k${i}`, `round ${n} item ${i}`, { vector: unit(1, i / 500, n / 9) }),
      )
    for (let n = 0; n < 10; n++) index.put(round(n))
    index.remove(Array.from({ length: 1_490 }, (_, i) => `k${i}`))
    expect(index.size).to.equal(10)
    const left = Array.from({ length: 10 }, (_, i) => `k${1_490 + i}`)
    expect((await keys(aQuery('item', { limit: 100 }))).sort()).to.deep.equal(left)
    expect(await keys(aQuery('1495 round 9', { limit: 1 }))).to.deep.equal(['k1495'])
    expect(await keys(aQuery('8'))).to.deep.equal([])
    const near = aQuery('', { mode: 'vector', vector: unit(1, 1_497 / 500, 1), limit: 100 })
    expect((await keys(near)).sort()).to.deep.equal(left)
    expect((await index.search({ ...near, limit: 1 }))[0]?.vector).to.be.closeTo(1, 0.02)
  })
}
