import { expect } from 'chai'
import type { IndexEntry, IndexQuery } from '../../../actors/memory/index/memory-index.ts'
import { ShardIndex } from '../../../persistence/memory-index/shard-index.ts'
import {
  loadVectorGraphs,
  type MakeVectorGraph,
  type VectorGraph,
} from '../../../persistence/memory-index/vector-graph.ts'
import { anEntry, aQuery, DAY_MS, NOW, randomUnit, seeded, unit } from '../../support/index-entries.ts'

const DIMENSIONS = 64
const COUNT = 6_000
const TOPICS = 60

describe('search by vectors among thousands', () => {
  const random = seeded(7)
  const topics = Array.from({ length: TOPICS }, () => randomUnit(random, DIMENSIONS))
  const near = (topic: Float32Array) => {
    const own = randomUnit(random, DIMENSIONS)
    return unit(...topic.map((component, i) => component + 0.7 * (own[i] as number)))
  }
  const someTopic = () => topics[Math.floor(random() * TOPICS)] as Float32Array
  const entries = Array.from({ length: COUNT }, (_, i) => {
    return anEntry(`k${i}`, `item ${i}`, {
      vector: near(topics[i % TOPICS] as Float32Array),
      createdAt: NOW - (i % 1_000) * DAY_MS,
      universe: random() < 0.5 ? 'low' : 'high',
      tags: [`of ${Math.floor(random() * 100)}`, ...(random() < 0.8 ? ['most'] : [])],
    })
  })

  const asked = (vector: Float32Array, more: Partial<IndexQuery>) => aQuery('', { mode: 'vector', vector, ...more })
  const answers = (index: ShardIndex, vector: Float32Array, more: Partial<IndexQuery>) =>
    index.searchNow(asked(vector, more)).map(({ key }) => key)
  const exactly = (vector: Float32Array, count: number, passes: (entry: IndexEntry) => boolean) =>
    entries
      .filter(passes)
      .map((entry) => ({ key: entry.key, product: product(vector, entry.vector as Float32Array) }))
      // Beyond a right angle nothing is near.
      .filter((it) => it.product > 0.02)
      .sort((a, b) => b.product - a.product)
      .slice(0, count)
      .map(({ key }) => key)

  const filters: [string, Partial<IndexQuery>, (entry: IndexEntry) => boolean][] = [
    ['no filter', {}, () => true],
    ['a tag of four in five', { tags: ['most'] }, ({ tags }) => tags.includes('most')],
    ['a universe of one in two', { universe: 'low' }, ({ universe }) => universe === 'low'],
    ['a tag of one in a hundred', { tags: ['of 7'] }, ({ tags }) => tags.includes('of 7')],
    [
      'two tags and a universe',
      { tags: ['of 9', 'most'], universe: 'high' },
      ({ tags, universe }) => tags.includes('of 9') && tags.includes('most') && universe === 'high',
    ],
    ['an age of one in ten', { maxAgeMs: 100 * DAY_MS }, ({ createdAt }) => NOW - createdAt <= 100 * DAY_MS],
    ['an age of one in five hundred', { maxAgeMs: DAY_MS }, ({ createdAt }) => NOW - createdAt <= DAY_MS],
  ]

  const suite = (open: () => Promise<ShardIndex | undefined>) => {
    let index: ShardIndex
    before(async function () {
      const opened = await open()
      if (opened === undefined) return this.skip()
      index = opened
      for (let at = 0; at < COUNT; at += 50) index.put(entries.slice(at, at + 50))
      while (index.link()) {}
    })

    for (const [name, filter, passes] of filters)
      it(`finds nine of ten true neighbours and more with ${name} (V1, V2, V3)`, () => {
        let found = 0
        let sought = 0
        for (let i = 0; i < 12; i++) {
          const vector = near(someTopic())
          const keys = answers(index, vector, { limit: 20, ...filter })
          const truly = exactly(vector, 10, passes)
          found += truly.filter((key) => keys.includes(key)).length
          sought += truly.length
          for (const key of keys) expect(passes(entries[Number(key.slice(1))] as IndexEntry)).to.equal(true)
        }
        expect(sought).to.be.above(0)
        expect(found / sought).to.be.at.least(0.9)
      })

    it('does not find what was removed or replaced (X1)', () => {
      const [first, second] = entries as [IndexEntry, IndexEntry]
      index.remove([first.key])
      index.put([{ ...second, vector: near(topics[9] as Float32Array) }])
      expect(answers(index, first.vector as Float32Array, { limit: 100 })).to.not.include(first.key)
      const hit = index
        .searchNow(asked(second.vector as Float32Array, { limit: 1_000 }))
        .find((it) => it.key === second.key)
      expect(hit?.vector ?? 0).to.be.below(0.99)
      index.put([first, second])
      expect(answers(index, first.vector as Float32Array, { limit: 1 })).to.deep.equal([first.key])
    })
  }

  describe('by their signs and bytes alone', () => suite(async () => new ShardIndex()))

  describe('by a graph, whose neighbours cost nothing here', () => {
    // Among so few, signs are always the cheaper way.
    const eager =
      (makeGraph: MakeVectorGraph): MakeVectorGraph =>
      (dimensions) => ({ ...makeGraph(dimensions), nearCost: 1 })
    suite(async () => {
      const makeGraph = await loadVectorGraphs()
      return makeGraph && new ShardIndex(eager(makeGraph))
    })
  })

  it('asks the graph for more when a filter excludes all that is near (V3)', () => {
    const vectors = new Map<number, Float32Array>()
    const asked: number[] = []
    const graph: VectorGraph = {
      nearCost: 0,
      add: (slots, flat) => {
        slots.forEach((slot, i) => {
          vectors.set(slot, flat.slice(i * 8, i * 8 + 8))
        })
      },
      remove: (slot) => void vectors.delete(slot),
      near: (vector, count) => {
        asked.push(count)
        const products = Array.from(vectors, ([slot, other]) => [slot, product(vector, other)] as const)
        const nearest = products.sort((a, b) => b[1] - a[1]).slice(0, count)
        return nearest.map(([slot]) => slot)
      },
    }
    const index = new ShardIndex(() => graph)
    const angleOf = (i: number) => ((1 - i / COUNT) * Math.PI) / 2
    index.put(
      Array.from({ length: COUNT }, (_, i) => {
        const vector = unit(Math.cos(angleOf(i)), Math.sin(angleOf(i)), 0, 0, 0, 0, 0, 0)
        return anEntry(`k${i}`, '', { vector, universe: i < COUNT / 2 ? 'far' : 'near' })
      }),
    )
    expect(vectors.size, 'linked by putting').to.equal(0)
    while (index.link()) {}
    expect(vectors.size).to.be.within(COUNT - 2_200, COUNT - 2_000)
    // The later, the nearer; the farther half was put first, so the graph has it.
    const keys = answers(index, unit(1, 0, 0, 0, 0, 0, 0, 0), { universe: 'far', limit: 3 })
    expect(asked).to.deep.equal([800, 3_200])
    expect(keys).to.have.length(3)
    for (const key of keys) expect(Number(key.slice(1))).to.be.within(COUNT / 2 - 100, COUNT / 2)
  })
})

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
