import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { Embedder } from '../../../actors/memory/index/memory-index.ts'
import type { MemoryCaller } from '../../../actors/memory/memory.ts'
import type { MemoryOwners } from '../../../actors/memory/owners.ts'
import { shardAddressesOf } from '../../../actors/memory/place.ts'
import { systemIds } from '../../../infra/clock.ts'
import { journalAround } from '../../../persistence/journal-around.ts'
import { eventually } from '../../support/eventually.ts'
import { MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts'

const by = (over: Partial<MemoryCaller> = {}): MemoryCaller => ({
  ...{ tenant: 'acme', role: 'user', requestId: systemIds.uuid() },
  ...over,
})
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'resolved',
    (error) => (error as Failure).code,
  )

describe('the door to memory', () => {
  let stores: ReturnType<typeof MemoryWorld.stores>
  let world: MemoryWorld
  const start = async (options: MemoryWorldOptions = {}) => {
    stores = MemoryWorld.stores()
    world = await MemoryWorld.start(stores, options)
  }
  afterEach(() => world.stop())

  const textsOf = async (query: string, more = {}, caller = by()) =>
    (await world.door.recall({ query, ...more }, caller)).results.map(({ text }) => text)
  const eventsOf = async (tenant = 'acme', namespace = 'default') =>
    (await Promise.all(shardAddressesOf(tenant, namespace).map((at) => stores.journal.read(at, 0, 1_000)))).flat()

  it('finds what it has remembered as soon as it has answered (D2)', async () => {
    await start()
    for (let n = 0; n < 20; n++) {
      await world.door.remember({ text: `fact number${n}` }, by())
      expect(await textsOf(`number${n}`)).to.deep.equal([`fact number${n}`])
    }
  })

  it('never lets two tenants see each other, with the same namespace and key (D1)', async () => {
    await start()
    const [acme, umbrella] = [by(), by({ tenant: 'umbrella' })]
    await world.door.remember({ key: 'plan', text: 'the plan of acme' }, acme)
    await world.door.remember({ key: 'plan', text: 'the plan of umbrella' }, umbrella)
    expect(await textsOf('plan')).to.deep.equal(['the plan of acme'])
    expect(await textsOf('plan', {}, umbrella)).to.deep.equal(['the plan of umbrella'])
    expect((await world.door.forget({ keys: ['plan'] }, by({ tenant: 'umbrella' }))).forgotten).to.equal(1)
    expect((await world.door.get('acme', 'default', 'plan'))?.text).to.equal('the plan of acme')
    expect((await world.door.list({ tenant: 'umbrella', limit: 10 })).memories).to.deep.equal([])
  })

  it('applies a request once, however often it is asked, and answers the same (D2, I3)', async () => {
    await start()
    const once = by()
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => world.door.remember({ key: 'k', text: 'one' }, once)),
    )
    for (const answer of answers) expect(answer).to.deep.equal(answers[0])
    expect((await eventsOf()).map(({ kind }) => kind)).to.deep.equal(['MemoryRemembered'])
    await world.door.forget({ keys: ['k'] }, by())
    await world.door.remember({ key: 'k', text: 'one' }, once)
    expect(await world.door.get('acme', 'default', 'k'), 'a late repeat brings nothing back').to.equal(undefined)
  })

  it('applies what was accepted before a crash, and nothing twice', async () => {
    stores = MemoryWorld.stores()
    let appending = false
    const append = () => {
      appending = true
      return new Promise<never>(() => {})
    }
    const journal: MemoryWorldOptions['journal'] = (inner) => journalAround(inner, { append })
    const before = await MemoryWorld.start(stores, { journal })
    const once = by()
    void before.door.remember({ key: 'k', text: 'accepted' }, once).catch(() => {})
    await eventually(() => appending)
    void before.crash()
    world = await MemoryWorld.start(stores)
    const answer = await world.door.remember({ key: 'k', text: 'accepted' }, once)
    expect(answer).to.include({ key: 'k', replaced: false })
    expect((await eventsOf()).length).to.equal(1)
    expect(await textsOf('accepted')).to.deep.equal(['accepted'])
  })

  it('recovers a shard from its rows, and searches them after a restart (M6)', async () => {
    await start()
    for (let n = 0; n < 30; n++) await world.door.remember({ key: `k${n}`, text: `word${n}` }, by())
    await world.door.forget({ keys: ['k3'] }, by())
    await world.stop()
    let folded = 0
    world = await MemoryWorld.start(stores, {
      journal: (inner) =>
        journalAround(inner, {
          async read(address, after, limit) {
            const page = await inner.read(address, after, limit)
            folded += page.length
            return page
          },
        }),
    })
    expect(await textsOf('word7')).to.deep.equal(['word7'])
    expect(folded, 'events that were folded').to.equal(0)
    expect(await textsOf('word3')).to.deep.equal([])
    expect((await world.door.remember({ key: 'k7', text: 'word7 again' }, by())).replaced).to.equal(true)
  })

  it('keeps the working memory at its limit', async () => {
    await start({ workingMemory: 5 })
    for (let n = 0; n < 12; n++) await world.door.remember({ key: `k${n}`, text: `t${n}`, namespace: 'wm' }, by())
    expect((await world.door.list({ tenant: 'acme', namespace: 'wm', limit: 50 })).memories.length).to.equal(5)
    expect(await textsOf('t11')).to.deep.equal(['t11'])
    expect(await textsOf('t0')).to.deep.equal([])
  })

  it('does not recall what is over its time, and removes it by itself (M4)', async () => {
    await start()
    await world.door.remember({ key: 'k', text: 'brief', ttlSeconds: 1 }, by())
    expect(await textsOf('brief')).to.deep.equal(['brief'])
    await eventually(async () => (await textsOf('brief')).length === 0, 5_000)
    await eventually(async () => (await eventsOf()).some(({ kind }) => kind === 'MemoriesExpired'), 5_000)
    expect(await stores.memories.there(shardAddressesOf('acme', 'default')[0] as never, ['k'])).to.deep.equal([])
  })

  it('says where the same content is already, in the same scope alone', async () => {
    await start()
    await world.door.remember({ key: 'a', text: 'the same' }, by())
    const again = await world.door.remember({ key: 'b', text: 'the same' }, by())
    expect(again.duplicateOf).to.equal('a')
    expect(await textsOf('the same'), 'recalled once').to.deep.equal(['the same'])
    await world.door.remember({ key: 'a', text: 'another' }, by())
    const kept = await world.door.get('acme', 'default', 'b')
    expect(kept?.text, 'outlives what it was the same as').to.equal('the same')
    await world.door.remember({ key: 'a', text: 'the same' }, by())
    const elsewhere = await world.door.remember({ key: 'c', text: 'the same', sessionId: 's-1' }, by())
    expect(elsewhere.duplicateOf).to.equal(undefined)
    const keyless = [await world.door.remember({ text: 'x' }, by()), await world.door.remember({ text: 'x' }, by())]
    expect(keyless.map(({ replaced }) => replaced)).to.deep.equal([false, true])
  })

  it('changes nothing without a decision that allows it, which is journaled with the change (D3, I10)', async () => {
    let answer: () => Promise<never> | Promise<object> = async () => ({
      id: 'd',
      allow: true,
      reason: 'r',
      policy: 'p',
    })
    await start({ policy: { decide: () => answer() as never } })
    await world.door.remember({ key: 'k', text: 'allowed' }, by())
    expect((await eventsOf())[0]?.data).to.deep.include({
      decision: { id: 'd', allow: true, reason: 'r', policy: 'p' },
    })
    answer = async () => ({ id: 'd', allow: false, reason: 'Not on Sundays.', policy: 'p' })
    expect(await codeOf(world.door.forget({ keys: ['k'] }, by()))).to.equal('MEMORY_DENIED')
    answer = () => Promise.reject(new Failure('POLICY_UNAVAILABLE', 'gone'))
    expect(await codeOf(world.door.remember({ text: 'x' }, by()))).to.equal('POLICY_UNAVAILABLE')
    answer = async () => ({ allow: 'true' })
    expect(await codeOf(world.door.remember({ text: 'x' }, by()))).to.equal('POLICY_UNAVAILABLE')
    expect((await eventsOf()).length).to.equal(1)
  })

  it('writes and says what it could not search while no owner can be asked (links gone)', async () => {
    const owners: MemoryOwners = {
      search: async (addresses) => addresses.map(() => ({ problem: 'no link' })),
      outcome: async () => {
        throw new Failure('NODE_UNREACHABLE', 'no link')
      },
    }
    await start({ owners })
    expect(await world.door.remember({ key: 'k', text: 'kept' }, by())).to.include({ replaced: false })
    const { results, warnings } = await world.door.recall({ query: 'kept', namespace: 'default' }, by())
    expect(results).to.deep.equal([])
    expect(warnings.length).to.equal(shardAddressesOf('acme', 'default').length)
    expect(warnings[0]).to.contain('no link')
  })

  it('finds by words while vectors are on their way, and makes them again after a crash', async () => {
    let away = true
    const embedder: Embedder = {
      model: 'letters',
      dimensions: 2,
      async embed(texts) {
        if (away) throw new Failure('EMBEDDING_UNAVAILABLE', 'the model is away')
        return texts.map((text) => (/cat|feline/.test(text) ? new Float32Array([1, 0]) : new Float32Array([0, 1])))
      },
    }
    await start({ embedder })
    await world.door.remember({ key: 'cat', text: 'a cat sleeps' }, by())
    const early = await world.door.recall({ query: 'cat', namespace: 'default' }, by())
    expect(early.results.map(({ key }) => key)).to.deep.equal(['cat'])
    expect(early.warnings.join()).to.contain('by words alone')
    expect(await codeOf(world.door.recall({ query: 'cat', mode: 'vector' }, by()))).to.equal('EMBEDDING_UNAVAILABLE')
    await world.crash()
    away = false
    world = await MemoryWorld.start(stores, { embedder })
    await eventually(async () => {
      const { results } = await world.door.recall({ query: 'feline', mode: 'vector', minScore: 0.9 }, by())
      return results[0]?.key === 'cat'
    }, 5_000)
  })

  it('forgets what a query clearly means, and only that', async () => {
    await start()
    await world.door.remember({ key: 'a', text: 'the blue car' }, by())
    await world.door.remember({ key: 'b', text: 'the red house by the sea' }, by())
    expect((await world.door.forget({ query: 'blue car' }, by())).keys).to.deep.equal(['a'])
    expect(await codeOf(world.door.forget({}, by()))).to.equal('INVALID_REQUEST')
    expect(await codeOf(world.door.forget({ keys: ['x'], query: 'y' }, by()))).to.equal('INVALID_REQUEST')
  })
})
