import { expect } from 'chai'
import fc from 'fast-check'
import type { Address } from '../../../actors/kernel/address.ts'
import { memoryBehaviour } from '../../../actors/memory/behaviour.ts'
import { changeRecordOf } from '../../../actors/memory/change-record.ts'
import { memoryEventCodec } from '../../../actors/memory/events.ts'
import { outcomeOf } from '../../../actors/memory/outcome.ts'
import type { StoredEvent } from '../../../persistence/journal.ts'
import { journalAround } from '../../../persistence/journal-around.ts'
import { MemoryWorld } from '../../support/memory-world.ts'

const address: Address = 'memory:acme/wm/0'
const WORKING_MEMORY = 3
const behaviour = memoryBehaviour({ layer: 'wm', workingMemory: WORKING_MEMORY, perShard: 10 })
const folded = (events: readonly StoredEvent[]) =>
  events.map(memoryEventCodec.decode).reduce(behaviour.evolve, behaviour.initial)
const outcomes = (events: readonly StoredEvent[]) =>
  events.map((one) => outcomeOf([memoryEventCodec.decode(one)], one.at))

/** The journal of a shard whose forgotten memories are erased from it (docs/adr/0015-forgetting-erases.md). */
describe('an erased journal', () => {
  it('gives the same state and outcomes as one that kept everything, and holds no text but that of live memories', async () => {
    const step = fc.record({
      what: fc.constantFrom('remember', 'remember', 'remember', 'forget'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      importance: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const stores = MemoryWorld.stores()
        /** As a journal would be that nobody erases from. */
        const kept: StoredEvent[] = []
        const world = await MemoryWorld.start(stores, {
          workingMemory: WORKING_MEMORY,
          journal: (inner) =>
            journalAround(inner, {
              async append(one) {
                const result = await inner.append(one)
                if (result.status === 'appended') kept.push(...(await inner.read(one.address, one.expectedSeq, 100)))
                return result
              },
            }),
        })
        for (const [n, { what, key, importance }] of steps.entries()) {
          const by = { tenant: 'acme', role: 'user', requestId: `r-${n}` } as const
          if (what === 'forget') await world.door.forget({ namespace: 'wm', keys: [key] }, by)
          else await world.door.remember({ namespace: 'wm', key, importance, text: `text ${n}` }, by)
        }
        await world.stop()
        const erased = await stores.journal.read(address, 0, 1_000)
        expect(erased.map(({ seq }) => seq)).to.deep.equal(kept.map(({ seq }) => seq))
        expect(folded(erased)).to.deep.equal(folded(kept))
        expect(outcomes(erased)).to.deep.equal(outcomes(kept))
        const { rows } = await stores.memories.list({ tenant: 'acme', limit: 100, now: 0 })
        const texts = JSON.stringify(erased).match(/text \d+/g) ?? []
        expect(texts.sort()).to.deep.equal(rows.map(({ text }) => text).sort())
      }),
      { numRuns: 40 },
    )
  })

  it('publishes nothing for what is erased: to be forgotten is a record of its own', async () => {
    const stores = MemoryWorld.stores()
    const world = await MemoryWorld.start(stores)
    const by = (requestId: string) => ({ tenant: 'acme', role: 'user', requestId }) as const
    await world.door.remember({ namespace: 'wm', key: 'k', text: 'secret' }, by('r-1'))
    await world.door.forget({ namespace: 'wm', keys: ['k'] }, by('r-2'))
    await world.stop()
    const records = (await stores.journal.read(address, 0, 10)).map((stored) =>
      changeRecordOf(memoryEventCodec.decode(stored), `${address}/${stored.seq}`, stored.at),
    )
    expect(records.map((record) => record?.payload.action)).to.deep.equal([undefined, 'forget'])
  })
})
