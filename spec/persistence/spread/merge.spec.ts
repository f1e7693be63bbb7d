import { expect } from 'chai'
import fc from 'fast-check'
import { systemIds } from '../../../infra/clock.ts'
import { openInMemory } from '../../../persistence/open-in-memory.ts'
import { mergeInOrder } from '../../../persistence/spread/merge-in-order.ts'
import { rangesOf, ShardMap } from '../../../persistence/spread/shard-map.ts'
import { orderedIds } from '../../../persistence/spread/spread-dead-letters.ts'
import { SpreadSessionRecords } from '../../../persistence/spread/spread-session-records.ts'
import { AT, aRecord } from '../../support/given-append.ts'
import { countedIds } from '../../support/probe.ts'

describe('lists of several servers', () => {
  it('pages of sessions hold each once, in the order in which one server would give them', async () => {
    const ages = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(ages, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }), async (ages, limit, n) => {
        const alone = openInMemory(systemIds).records
        const servers = Array.from({ length: n }, (_, i) => ({
          shards: Array.from({ length: 64 }, (_, shard) => shard).filter((shard) => shard % n === i),
          records: openInMemory(systemIds).records,
        }))
        const spread = new SpreadSessionRecords(new ShardMap(servers))
        for (const age of ages) {
          const record = aRecord({ updatedAt: AT - age })
          await alone.claim(record)
          await spread.claim(record)
        }
        const seen: string[] = []
        let before: string | undefined
        do {
          const page = await spread.list({ tenant: 'acme', limit, ...(before === undefined ? {} : { before }) })
          if (page.next !== undefined) expect(page.records).to.have.length(limit)
          seen.push(...page.records.map(({ sessionId }) => sessionId))
          before = page.next
        } while (before !== undefined)
        const all = await alone.list({ tenant: 'acme', limit: 100 })
        expect(seen).to.deep.equal(all.records.map(({ sessionId }) => sessionId))
      }),
      { numRuns: 60 },
    )
  })

  it('a merge keeps each list’s own order, even where the list is not in order', () => {
    const items = fc.array(fc.array(fc.nat(5)))
    fc.assert(
      fc.property(items, (lists) => {
        const placed = lists.map((list, from) => list.map((value, at) => ({ value, from, at })))
        const merged = mergeInOrder(placed, (a, b) => a.value - b.value)
        placed.forEach((list, from) => {
          expect(merged.filter((item) => item.from === from)).to.deep.equal(list)
        })
      }),
    )
  })

  it('ids drawn in one process are in order, whatever its clock does', () => {
    let now = 1_000
    const ids = orderedIds({ now: () => now, after: () => () => {} }, countedIds())
    const drawn = Array.from({ length: 10_000 }, (_, i) => {
      if (i % 3_000 === 0) now -= 7
      if (i % 100 === 0) now++
      return ids.uuid()
    })
    expect(drawn).to.deep.equal([...drawn].sort())
    expect(new Set(drawn).size).to.equal(10_000)
    expect(drawn[0]).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  })

  it('ranges say the same for the same shards', () => {
    expect(rangesOf([7, 3, 1, 2, 0, 2])).to.equal('0-3,7')
    expect(rangesOf([])).to.equal('')
  })
})
