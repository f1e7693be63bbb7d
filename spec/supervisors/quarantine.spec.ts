import { expect } from 'chai'
import { settled, until } from '../support/probe.ts'
import { RegionWorld } from '../support/region-world.ts'

describe('quarantine', () => {
  let world: RegionWorld
  const a = 'session:a'
  let isBroken: boolean
  const fail = () => (isBroken ? new Error('chokes on this') : undefined)

  beforeEach(async () => {
    world = await new RegionWorld().open()
    isBroken = true
  })

  afterEach(async () => {
    await world.region.drain(1_000)
    await world.system.shutdown()
    expect(world.system.tree(), 'leaked actors').to.deep.equal([])
    expect(world.log.settledTwice, 'settled twice').to.deep.equal([])
  })

  async function poisoned(): Promise<void> {
    world.send(a, { n: 1 })
    world.send(a, { n: 2, fail })
    world.send(a, { n: 3 })
    await world.pass(30_000)
    expect(world.region.isQuarantined(a)).to.equal(true)
  }

  it('holds the suspect and all behind it, settled, while the others go on', async () => {
    await poisoned()
    world.send(a, { n: 4 })
    world.send('session:b', { n: 9 })
    await until(() => world.log.settledCount === 5)
    const entry = await world.quarantine.get(a)
    expect(entry).to.include({ code: 'INTERNAL', detail: 'chokes on this', tenant: 'acme', held: 3 })
    expect(entry?.suspect?.id).to.equal('m1')
    expect((await world.quarantine.held(a)).map((envelope) => envelope.id)).to.deep.equal(['m1', 'm2', 'm3'])
    expect(world.record(a).starts, 'one life and five restarts').to.equal(6)
    expect(world.record('session:b').handled).to.deep.equal([9])
    expect(world.region.isActive(a)).to.equal(false)
    expect(world.metrics.of('quarantined session')).to.equal(1)
  })

  it('settles nothing before it is held durably (Q1)', async () => {
    world.quarantine.failures = Array.from({ length: 3 }, () => new Error('database away'))
    world.send(a, { n: 2, fail })
    await until(() => world.record(a).starts === 1)
    for (let i = 0; i < 200 && !world.region.isQuarantined(a); i++) await world.pass(250, 250)
    await settled()
    expect(world.log.settledCount).to.equal(0)
    await world.pass(5_000)
    expect(world.log.settledCount).to.equal(1)
  })

  it('leaves to the mailbox what a drain finds not yet held (Q1)', async () => {
    world.quarantine.failures = Array.from({ length: 99 }, () => new Error('database away'))
    world.send(a, { n: 2, fail })
    for (let i = 0; i < 200 && !world.region.isQuarantined(a); i++) await world.pass(250, 250)
    await settled()
    const drained = world.region.drain(10_000)
    await world.pass(10_000)
    await drained
    expect(world.log.settledCount).to.equal(0)
  })

  it('retries on resume, in the order of acceptance, and is released when all is settled', async () => {
    await poisoned()
    isBroken = false
    const resumed = world.region.resume(a, { action: 'retry' })
    expect(world.send(a, { n: 4 }), 'while it is resumed').to.equal('accepted')
    expect(await resumed).to.equal(true)
    await until(() => world.record(a).handled.length === 4)
    expect(world.record(a).handled).to.deep.equal([1, 2, 3, 4])
    await until(() => world.quarantine.entries.size === 0)
    expect(world.region.isQuarantined(a)).to.equal(false)
    expect(world.metrics.of('quarantined session')).to.equal(0)
    expect(await world.region.resume(a, { action: 'retry' }), 'not twice').to.equal(false)
  })

  it('parks the suspect on drop', async () => {
    await poisoned()
    await world.region.resume(a, { action: 'drop' })
    await until(() => world.quarantine.entries.size === 0)
    expect(world.record(a).handled).to.deep.equal([1, 3])
    expect(world.parked.letters.map(({ code, envelope }) => [code, envelope.id])).to.deep.equal([
      ['POISON_MESSAGE', 'm1'],
    ])
  })

  it('replaces the body on edit', async () => {
    await poisoned()
    await world.region.resume(a, { action: 'edit', body: { n: 22 } })
    await until(() => world.quarantine.entries.size === 0)
    expect(world.record(a).handled).to.deep.equal([1, 22, 3])
  })

  it('quarantines again when the resumed message fails again, and forgets nothing (Q2)', async () => {
    await poisoned()
    await world.region.resume(a, { action: 'retry' })
    world.send(a, { n: 4 })
    await world.pass(30_000)
    expect(world.region.isQuarantined(a)).to.equal(true)
    expect((await world.quarantine.held(a)).map((envelope) => envelope.id)).to.deep.equal(['m1', 'm2', 'm3'])
    isBroken = false
    await world.region.resume(a, { action: 'retry' })
    await until(() => world.quarantine.entries.size === 0)
    expect(world.record(a).handled).to.deep.equal([1, 2, 3, 4])
  })

  it('outlives the process', async () => {
    await poisoned()
    const next = new RegionWorld()
    for (const [of, entry] of world.quarantine.entries) next.quarantine.entries.set(of, entry)
    for (const [of, held] of world.quarantine.envelopes) next.quarantine.envelopes.set(of, held)
    await next.open()
    expect(next.region.isQuarantined(a)).to.equal(true)
    next.send(a, { n: 7 }, { id: 'new' })
    await until(() => next.log.settledCount === 1)
    isBroken = false
    await next.region.resume(a, { action: 'retry' })
    await until(() => next.quarantine.entries.size === 0)
    expect(next.record(a).handled).to.deep.equal([2, 3, 7])
    await next.region.drain(1_000)
    await next.system.shutdown()
  })
})
