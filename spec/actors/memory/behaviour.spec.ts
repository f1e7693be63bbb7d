import { expect } from 'chai'
import fc from 'fast-check'
import { isAddress } from '../../../actors/kernel/address.ts'
import { type Command, type MemoryState, memoryBehaviour } from '../../../actors/memory/behaviour.ts'
import { coordinateOf } from '../../../actors/memory/coordinate.ts'
import type { MemoryEvent } from '../../../actors/memory/events.ts'
import { outcomeOf } from '../../../actors/memory/outcome.ts'
import { parseMemoryCommand } from '../../../actors/memory/parse.ts'
import { layerOfAddress, shardAddressesOf, shardAddressOf } from '../../../actors/memory/place.ts'
import { aContent, author, forget, mayWrite, metaAt, remember } from '../../support/given-memory.ts'

const long = memoryBehaviour({ layer: 'ltm', workingMemory: 3, perShard: 5 })
const working = memoryBehaviour({ layer: 'wm', workingMemory: 3, perShard: 5 })

function having(behaviour: typeof long, ...commands: readonly [Command, number][]) {
  let state: MemoryState = behaviour.initial
  let last: readonly MemoryEvent[] = []
  for (const [command, now] of commands) {
    last = behaviour.decide(state, command, metaAt(now)).events
    state = last.reduce(behaviour.evolve, state)
  }
  return { state, last, kinds: last.map(({ kind }) => kind), outcome: outcomeOf(last, 0) }
}

describe('memory behaviour', () => {
  it('M1: replaces a memory of the same key, and says so', () => {
    const again = having(long, [remember(), 1], [remember({ text: 'b' }, { known: { existing: { createdAt: 1 } } }), 2])
    expect(again.outcome).to.deep.include({ kind: 'remembered', replaced: true })
    expect(again.last[0]).to.deep.include({ createdAt: 1, replaced: true })
    expect(again.state.live).to.equal(1)
  })

  it('M2: keeps the same content under another key all the same, and names the other', () => {
    const { kinds, outcome, state } = having(long, [remember({}, { known: { duplicateOf: 'other' } }), 1])
    expect(kinds).to.deep.equal(['MemoryRemembered'])
    expect(outcome).to.deep.include({ duplicateOf: 'other', replaced: false })
    expect(state.live).to.equal(1)
  })

  it('M2: a key that is there is replaced even when another has that content', () => {
    const known = { existing: { createdAt: 1 }, duplicateOf: 'other' }
    expect(having(long, [remember({}, { known }), 2]).kinds).to.deep.equal(['MemoryRemembered'])
  })

  it('M3: evicts the least important, of those the oldest, never the newest', () => {
    const { last, state } = having(
      working,
      [remember({ key: 'old', importance: 0.2 }), 1],
      [remember({ key: 'young', importance: 0.2 }), 2],
      [remember({ key: 'dear', importance: 0.9 }), 3],
      [remember({ key: 'newest', importance: 0 }), 4],
    )
    expect(last[1]).to.deep.include({ kind: 'MemoriesEvicted', keys: ['old'] })
    expect(state.items.map(({ key }) => key)).to.deep.equal(['young', 'dear', 'newest'])
  })

  it('M3: what is over its time leaves first', () => {
    const { last } = having(
      working,
      [remember({ key: 'a', importance: 0 }), 1],
      [remember({ key: 'over', importance: 1 }, { ttlSeconds: 1 }), 2],
      [remember({ key: 'c' }), 3],
      [remember({ key: 'd' }), 5_000],
    )
    expect(last[1]).to.deep.include({ keys: ['over'] })
  })

  it('M4: a key that is over its time counts as new, and its row is not counted twice', () => {
    const known = { existing: { createdAt: 1, expiresAt: 50 } }
    const { last, state } = having(long, [remember({}, { ttlSeconds: 1 }), 1], [remember({}, { known }), 100])
    expect(last[0]).to.deep.include({ createdAt: 100 })
    expect(state.live).to.equal(1)
  })

  it('refuses what a shard has no room for, with an outcome, and still replaces', () => {
    const fill = Array.from({ length: 5 }, (_, n) => [remember({ key: `k${n}` }), n] as [Command, number])
    expect(having(long, ...fill, [remember({ key: 'more' }), 9]).outcome).to.include({ code: 'MEMORY_FULL' })
    const replacing = remember({ key: 'k1', text: 'b' }, { known: { existing: { createdAt: 1 } } })
    expect(having(long, ...fill, [replacing, 9]).outcome).to.include({ kind: 'remembered' })
  })

  it('M5: leaves an event for every command, so that its outcome can be told', () => {
    expect(having(long, [forget(['x'], []), 1]).outcome).to.deep.equal({ kind: 'forgotten', keys: [] })
    expect(having(long, [remember(), 1], [forget(['k']), 2]).outcome).to.deep.equal({ kind: 'forgotten', keys: ['k'] })
  })

  it('never holds more than the working memory takes, and counts what is there, whatever is asked (M3, M6)', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
    const step = fc.record({
      what: fc.constantFrom('remember', 'remember', 'forget', 'expire'),
      key,
      importance: fc.double({ min: 0, max: 1, noNaN: true }),
      ttlSeconds: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        /** The rows, as an append would write them. */
        const rows = new Map<string, { createdAt: number; expiresAt?: number }>()
        let state = working.initial
        steps.forEach(({ what, key: of, importance, ttlSeconds }, i) => {
          const now = i * 700
          const existing = rows.get(of)
          const command: Command =
            what === 'remember'
              ? remember(
                  { key: of, importance },
                  { ...(ttlSeconds && { ttlSeconds }), known: existing ? { existing } : {} },
                )
              : what === 'forget'
                ? forget([of], existing ? [of] : [])
                : {
                    kind: 'Expire',
                    over: {
                      ...{ tenant: 'acme', namespace: 'wm' },
                      keys: [...rows].filter(([, { expiresAt = now + 1 }]) => expiresAt <= now).map(([one]) => one),
                    },
                  }
          const { events } = working.decide(state, command, metaAt(now))
          for (const event of events) {
            if (event.kind === 'MemoryRemembered') {
              const { createdAt, expiresAt, memory } = event
              rows.set(memory.key, { createdAt, ...(expiresAt !== undefined && { expiresAt }) })
            } else if ('keys' in event) for (const gone of event.keys) rows.delete(gone)
          }
          state = events.reduce(working.evolve, state)
          expect(state.items.length).to.be.at.most(3)
          expect(state.live).to.equal(rows.size)
          expect(state.items.map((item) => item.key)).to.have.members([...rows.keys()])
        })
      }),
    )
  })
})

describe('a memory command', () => {
  it('is taken only with a decision that allows it (I10)', () => {
    const { known: _, ...body } = remember()
    expect(parseMemoryCommand(body)).to.deep.equal(body)
    for (const decision of [undefined, { ...mayWrite, allow: false }, { ...mayWrite, allow: 'true' }]) {
      expect(() => parseMemoryCommand({ ...body, decision })).to.throw('MALFORMED_MESSAGE')
    }
  })

  it('has limits', () => {
    const { known: _, ...body } = remember()
    const bad = [
      { ...body, memory: aContent({ key: 'k'.repeat(201) }) },
      { ...body, memory: aContent({ text: 'x'.repeat(32_001) }) },
      { ...body, memory: aContent({ importance: 1.1 }) },
      { ...body, ttlSeconds: 0 },
      { kind: 'Forget', v: 1, namespace: 'default', keys: [], author, decision: mayWrite },
    ]
    for (const one of bad) expect(() => parseMemoryCommand(one)).to.throw('MALFORMED_MESSAGE')
  })
})

describe('where a memory lives', () => {
  it('is an address, whatever tenant, namespace and key are called, and another for another tenant or namespace', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(name, name, name, name, (tenant, other, namespace, key) => {
        const address = shardAddressOf(tenant, namespace, key)
        expect(isAddress(address)).to.equal(true)
        expect(shardAddressesOf(tenant, namespace)).to.include(address)
        if (other !== tenant) expect(shardAddressesOf(other, namespace)).not.to.include(address)
        if (other !== namespace) expect(shardAddressesOf(tenant, other)).not.to.include(address)
      }),
    )
  })

  it('is one shard for the working memory', () => {
    expect(shardAddressesOf('acme', 'wm')).to.deep.equal(['memory:acme/wm/0'])
    expect(layerOfAddress('memory:acme/wm/0')).to.equal('wm')
    expect(layerOfAddress('memory:wm/notes/0')).to.equal('ltm')
  })

  it('has the coordinate that SomaBrain gives the key', () => {
    const rounded = coordinateOf('real', 'hello').map((part) => Number(part.toFixed(6)))
    expect(rounded).to.deep.equal([-0.125032, -0.721983, 0.246643])
  })
})
