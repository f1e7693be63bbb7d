import { expect } from 'chai'
import fc from 'fast-check'
import { countBits, OrdinalSet, ordinalsOf } from '../../../persistence/memory-index/ordinal-set.ts'

describe('a set of ordinals', () => {
  const END = 3_000
  /** Dense, sparse, and one after the other, so that both forms and the changes between them are met. */
  const someOrdinals = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 120 }), fc.constantFrom(1, 2, 5, 200)), { maxLength: 12 })
    .map((runs) => {
      const ordinals: number[] = []
      let next = 0
      for (const [length, apart] of runs)
        for (let i = 0; i < length && next < END; i++, next += apart) ordinals.push(next)
      return ordinals
    })
  const given = (ordinals: readonly number[]) => {
    const set = new OrdinalSet()
    for (const ordinal of ordinals) set.add(ordinal)
    return set
  }
  const held = (set: OrdinalSet) => [...ordinalsOf(set.bits(END))]

  it('has what was added and nothing else, in order, in whichever form', () => {
    fc.assert(
      fc.property(someOrdinals, (ordinals) => {
        const set = given(ordinals)
        expect(set.size).to.equal(ordinals.length)
        expect(held(set)).to.deep.equal(ordinals)
        const there = new Set(ordinals)
        for (let ordinal = 0; ordinal < END; ordinal += 7) expect(set.has(ordinal)).to.equal(there.has(ordinal))
      }),
    )
  })

  it('leaves of bits what it has', () => {
    fc.assert(
      fc.property(someOrdinals, someOrdinals, (some, others) => {
        const bits = given(some).bits(END)
        given(others).intersect(bits)
        const both = some.filter((ordinal) => others.includes(ordinal))
        expect([...ordinalsOf(bits)]).to.deep.equal(both)
        expect(countBits(bits)).to.equal(both.length)
      }),
    )
  })

  it('follows a renumbering, and takes more after it', () => {
    fc.assert(
      fc.property(someOrdinals, fc.integer({ min: 1, max: 9 }), (ordinals, nth) => {
        const renumbered = new Int32Array(END).fill(-1)
        let next = 0
        for (let ordinal = 0; ordinal < END; ordinal++) if (ordinal % nth !== 0) renumbered[ordinal] = next++
        const set = given(ordinals)
        set.compact(renumbered)
        set.add(next)
        expect(held(set)).to.deep.equal([
          ...ordinals.filter((it) => it % nth !== 0).map((it) => renumbered[it] as number),
          next,
        ])
      }),
    )
  })
})
