import { expect } from 'chai'
import fc from 'fast-check'
import { type OwnedShard, type PlannedNode, planShards } from '../../supervisors/shard-plan.ts'

const SHARDS = 64
const noOwner: readonly OwnedShard[] = Array.from({ length: SHARDS }, (_, shard) => ({ shard, owner: '' }))
const equal = (...ids: string[]): PlannedNode[] => ids.map((id) => ({ id, weight: 100 }))
const carriedOut = (plan: ReadonlyMap<number, string>): OwnedShard[] =>
  [...plan].map(([shard, owner]) => ({ shard, owner }))
const counts = (plan: ReadonlyMap<number, string>) => {
  const found: Record<string, number> = {}
  for (const owner of plan.values()) found[owner] = (found[owner] ?? 0) + 1
  return found
}
const moved = (from: readonly OwnedShard[], plan: ReadonlyMap<number, string>) =>
  from.filter(({ shard, owner }) => plan.get(shard) !== owner)

describe('shard plan', () => {
  const someNodes = fc.uniqueArray(
    fc.record({ id: fc.stringMatching(/^n[a-z]{1,3}$/), weight: fc.integer({ min: 1, max: 9 }) }),
    {
      selector: ({ id }) => id,
      minLength: 1,
      maxLength: 12,
    },
  )

  it('gives every shard to a live node, each its share by weight to within one (P1)', () => {
    fc.assert(
      fc.property(someNodes, fc.array(fc.nat(20), { minLength: SHARDS, maxLength: SHARDS }), (nodes, owners) => {
        const shards = owners.map((n, shard) => ({ shard, owner: nodes[n]?.id ?? 'gone' }))
        const plan = planShards(shards, nodes)
        expect(plan.size).to.equal(SHARDS)
        const total = nodes.reduce((sum, { weight }) => sum + weight, 0)
        for (const { id, weight } of nodes) {
          expect(Math.abs((counts(plan)[id] ?? 0) - (SHARDS * weight) / total)).to.be.below(1)
        }
      }),
    )
  })

  it('moves nothing once it is carried out (P2), in whatever order rows come (P3)', () => {
    fc.assert(
      fc.property(someNodes, (nodes) => {
        const settled = carriedOut(planShards(noOwner, nodes))
        expect(moved(settled, planShards([...settled].reverse(), [...nodes].reverse()))).to.deep.equal([])
      }),
    )
  })

  it('takes from each only what a node that joins is due', () => {
    const three = carriedOut(planShards(noOwner, equal('a', 'b', 'c')))
    const plan = planShards(three, equal('a', 'b', 'c', 'd'))
    expect(counts(plan)).to.deep.equal({ a: 16, b: 16, c: 16, d: 16 })
    expect(moved(three, plan)).to.have.length(16)
  })

  it('moves only the shards of a node that leaves, to all the others', () => {
    const three = carriedOut(planShards(noOwner, equal('a', 'b', 'c')))
    const plan = planShards(three, equal('a', 'c'))
    expect(moved(three, plan).every(({ owner }) => owner === 'b')).to.equal(true)
    expect(counts(plan)).to.deep.equal({ a: 32, c: 32 })
  })

  it('gives nothing to a node of weight 0, and to nobody when there is none else', () => {
    expect(counts(planShards(noOwner, [...equal('a'), { id: 'b', weight: 0 }]))).to.deep.equal({ a: SHARDS })
    expect(planShards(noOwner, [{ id: 'b', weight: 0 }]).size).to.equal(0)
  })
})
