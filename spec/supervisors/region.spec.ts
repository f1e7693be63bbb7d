import { expect } from 'chai'
import { Failure } from '../../actors/kernel/failure.ts'
import { Gate, settled, until } from '../support/probe.ts'
import { RegionWorld } from '../support/region-world.ts'

const defect = () => new Error('a defect')

describe('region', () => {
  let world: RegionWorld

  beforeEach(() => {
    world = new RegionWorld()
  })

  afterEach(async () => {
    await world.region.drain(1_000)
    await world.system.shutdown()
    expect(world.system.tree(), 'leaked actors').to.deep.equal([])
    expect(world.metrics.of('active session'), 'active gauge').to.equal(0)
    expect(world.log.settledTwice, 'settled twice').to.deep.equal([])
    for (const [of, record] of world.records) expect(record.mostLive, `R1 for ${of}`).to.be.at.most(1)
  })

  it('activates an address at its first delivery, under its kind and shard', async () => {
    await world.open()
    const a = world.session('a')
    expect(world.send(a, { n: 1 })).to.equal('accepted')
    await until(() => world.log.settledCount === 1)
    const kind = world.system.tree()[0]
    expect(kind?.path).to.equal('/session')
    expect(kind?.children[0]?.path).to.match(/^\/session\/shard-\d+$/)
    expect(kind?.children[0]?.children[0]?.address).to.equal(a)
    expect(world.region.active()).to.equal(1)
  })

  it('keeps one activation and the order, however deliveries and passivations race (R1, R3)', async () => {
    await world.open()
    const addresses = Array.from({ length: 8 }, (_, i) => world.session(`race-${i}`))
    let n = 0
    const sent = new Map(addresses.map((a) => [a, [] as number[]]))
    let state = 42
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 8) % below
    }
    for (let round = 0; round < 1_500; round++) {
      const a = addresses[random(addresses.length)] as (typeof addresses)[number]
      if (random(3) === 0) void world.region.passivate(a, random(2) === 0 ? 'memory' : 'drain')
      else if (world.send(a, { n: ++n }) === 'accepted') sent.get(a)?.push(n)
      if (random(2) === 0) await settled(random(3))
    }
    await until(() => world.log.settledCount === n, 'all settled')
    for (const a of addresses) expect(world.record(a).handled, a).to.deep.equal(sent.get(a))
    const starts = addresses.reduce((sum, a) => sum + world.record(a).starts, 0)
    expect(starts, 'the race took place').to.be.greaterThan(100)
  })

  it('keeps the order across restarts, and loses nothing (R2, R3)', async () => {
    await world.open()
    const a = world.session('a')
    let failures = 0
    for (let n = 1; n <= 30; n++) {
      world.send(a, { n, ...(n % 10 === 0 && { fail: () => (failures++ % 2 === 0 ? defect() : undefined) }) })
    }
    await world.pass(10_000)
    expect(world.record(a).handled).to.deep.equal(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(world.log.settledCount).to.equal(30)
    expect(failures).to.equal(6)
  })

  it('answers full when the mailbox is, and goes on when there is room (I9)', async () => {
    world.capacity = 5
    await world.open()
    const a = world.session('a')
    const gate = new Gate()
    world.send(a, { n: 0, wait: gate })
    await settled()
    for (let n = 1; n <= 5; n++) expect(world.send(a, { n })).to.equal('accepted')
    expect(world.send(a, { n: 6 })).to.equal('full')
    expect(world.send(world.session('b'), { n: 6 })).to.equal('accepted')
    gate.open()
    await until(() => world.record(a).handled.length === 6)
    expect(world.send(a, { n: 6 })).to.equal('accepted')
    await until(() => world.record(a).handled.length === 7)
  })

  it('passivates who is idle, and none who is not', async () => {
    await world.open()
    const a = world.session('a')
    world.isIdle = false
    world.send(a, { n: 1 })
    await until(() => world.log.settledCount === 1)
    await world.pass(200_000, 5_000)
    expect(world.region.isActive(a)).to.equal(true)
    world.isIdle = true
    await world.pass(130_000, 5_000)
    expect(world.region.isActive(a)).to.equal(false)
    expect(world.metrics.of('passivated session idle')).to.equal(1)
    world.send(a, { n: 2 })
    await until(() => world.record(a).handled.length === 2)
  })

  it('makes the least recently used leave when there are too many', async () => {
    await world.open({ maxActive: 3 })
    for (let i = 0; i < 6; i++) {
      world.send(world.session(`s${i}`), { n: i })
      await settled()
      world.clock.advance(10)
      if (i >= 1) world.send(world.session('s0'), { n: 100 + i })
      await settled()
      world.clock.advance(10)
    }
    expect(world.region.isActive(world.session('s0')), 'used all the time').to.equal(true)
    expect(world.region.isActive(world.session('s1'))).to.equal(false)
    expect(world.region.isActive(world.session('s5'))).to.equal(true)
    expect(world.region.active()).to.be.at.most(3)
  })

  it('makes a tenth leave while the heap is over its limit', async () => {
    let heap = 0
    await world.open({ maxHeapBytes: 100, heapUsed: () => heap })
    for (let i = 0; i < 20; i++) world.send(world.session(`s${i}`), { n: i })
    await until(() => world.log.settledCount === 20)
    await world.pass(5_000, 5_000)
    expect(world.region.active()).to.equal(20)
    heap = 101
    await world.pass(5_000, 5_000)
    expect(world.region.active()).to.equal(18)
    expect(world.metrics.of('passivated session memory')).to.equal(2)
  })

  it('waits out an unavailable journal, for ever, without quarantine', async () => {
    await world.open()
    const a = world.session('a')
    let outage = true
    const fail = () => (outage ? new Failure('JOURNAL_UNAVAILABLE', 'disk full') : undefined)
    world.send(a, { n: 1, fail })
    world.send(a, { n: 2 })
    await world.pass(300_000, 1_000)
    expect(world.region.isQuarantined(a)).to.equal(false)
    expect(world.record(a).starts).to.be.greaterThan(20)
    outage = false
    await world.pass(6_000)
    expect(world.record(a).handled).to.deep.equal([1, 2])
  })

  it('recovers at once from a conflict', async () => {
    await world.open()
    const a = world.session('a')
    let conflicts = 2
    world.send(a, { n: 1, fail: () => (conflicts-- > 0 ? new Failure('JOURNAL_CONFLICT', 'x') : undefined) })
    await until(() => world.log.settledCount === 1) // no time passes
    expect(world.record(a).starts).to.equal(3)
  })

  it('lets go, unsettled, of an address that another node owns', async () => {
    await world.open()
    const a = world.session('a')
    world.send(a, { n: 1, fail: new Failure('EPOCH_FENCED', 'epoch 3') })
    world.send(a, { n: 2 })
    await until(() => !world.region.isActive(a) && world.region.depth(a) === 0)
    expect(world.log.settledCount).to.equal(0)
    expect(world.metrics.of('restarted session EPOCH_FENCED')).to.equal(0)
  })

  it('parks what no actor can have and what its actor cannot read, then settles it (I8)', async () => {
    await world.open()
    world.parked.failures.push(new Failure('JOURNAL_UNAVAILABLE', 'disk'))
    world.send('memory:x', { n: 1 })
    world.send('nonsense' as never, { n: 2 })
    const a = world.session('a')
    world.send(a, { n: 3, fail: new Failure('MALFORMED_MESSAGE', 'what?') })
    world.send(a, { n: 4 })
    await until(() => world.record(a).handled.length === 1 && world.parked.letters.length === 2)
    await settled()
    expect([...world.log.settledOffsets.keys()].sort()).to.deep.equal([1, 2, 3])
    expect(world.record(a).starts, 'the actor goes on').to.equal(1)
    await world.pass(1_000)
    expect(world.log.settledCount, 'parked at the second try').to.equal(4)
    expect(world.parked.letters.map((letter) => letter.code).sort()).to.deep.equal([
      'MALFORMED_MESSAGE',
      'UNROUTABLE',
      'UNROUTABLE',
    ])
  })

  it('hands everything back to the mailbox at a drain', async () => {
    await world.open()
    const a = world.session('a')
    const gate = new Gate()
    world.send(a, { n: 1, wait: gate })
    world.send(a, { n: 2 })
    await settled()
    const drained = world.region.drain(5_000)
    expect(world.send(a, { n: 3 })).to.equal('full')
    gate.open()
    await drained
    expect(world.record(a).handled, 'the running handler ends').to.deep.equal([1])
    expect(world.log.settledCount).to.equal(1)
    expect(world.region.active()).to.equal(0)
  })

  it('drains within its bound even when a handler hangs', async () => {
    await world.open()
    const gate = new Gate()
    world.send(world.session('a'), { n: 1, wait: gate })
    await settled()
    const drained = world.region.drain(1_000)
    world.clock.advance(1_000)
    await drained
    gate.open()
    await settled()
  })
})
