import { expect } from 'chai'
import { shardOf } from '../../actors/kernel/address.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { Gate, settled, until } from '../support/probe.ts'
import { RegionWorld } from '../support/region-world.ts'

describe('region, handing shards over', () => {
  let world: RegionWorld

  beforeEach(async () => {
    world = new RegionWorld()
    await world.open()
  })

  afterEach(async () => {
    await world.region.drain(1_000)
    await world.system.shutdown()
    expect(world.system.tree(), 'leaked actors').to.deep.equal([])
    expect(world.log.settledTwice, 'settled twice').to.deep.equal([])
    for (const [of, record] of world.records) expect(record.mostLive, `one activation of ${of}`).to.be.at.most(1)
  })

  const a = 'session:a' as const
  const shards = [shardOf(a)]
  /** Of another shard. */
  const other = Array.from({ length: 200 }, (_, i) => `session:o${i}` as const).find((it) => shardOf(it) !== shardOf(a))
  if (other === undefined) throw new Error('all addresses have one shard')

  it('leaves exactly what was not handled unsettled, and starts nothing of it again (H1, H2)', async () => {
    const gate = new Gate()
    world.send(a, { n: 0, wait: gate })
    for (let n = 1; n < 5; n++) world.send(a, { n })
    await settled()
    const handed = world.region.handOver('session', shards, 5_000)
    expect(world.send(a, { n: 5 })).to.equal('full')
    expect(world.send(other, { n: 6 }), 'shards that stay').to.equal('accepted')
    gate.open()
    await handed
    expect(world.record(a).handled, 'the handler in the middle ends').to.deep.equal([0])
    expect([...world.log.settledOffsets.keys()].sort()).to.deep.equal([0, 6])
    expect(world.send(a, { n: 7 }), 'after it, too').to.equal('full')
    world.region.activate(a)
    await settled()
    expect(world.record(a).starts).to.equal(1)
  })

  it('works again on a shard that comes back', async () => {
    world.send(a, { n: 1 })
    await until(() => world.log.settledCount === 1)
    await world.region.handOver('session', shards, 5_000)
    await world.region.takeOver('session', shards)
    expect(world.send(a, { n: 2 })).to.equal('accepted')
    await until(() => world.record(a).handled.length === 2)
  })

  it('handles what a shard brings that came back while an actor of it still hung, under whatever that one ends', async () => {
    const gate = new Gate()
    world.send(a, { n: 1, wait: gate, fail: new Failure('EPOCH_FENCED', 'another node had the shard meanwhile') })
    world.send(a, { n: 2 })
    await settled()
    const handed = world.region.handOver('session', shards, 1_000)
    await world.pass(1_000)
    await handed
    await world.region.takeOver('session', shards)
    // From the log again, by the new subscription.
    for (const n of [1, 2]) expect(world.send(a, { n })).to.equal('accepted')
    gate.open()
    await until(() => world.log.settledCount === 2)
    expect(world.record(a).handled).to.deep.equal([1, 2])
    expect([...world.log.settledOffsets.keys()], 'the new deliveries').to.deep.equal([2, 3])
  })

  it('forgets a quarantine with its shard and knows it again when it comes back', async () => {
    const failures = Array.from({ length: 20 }, () => new Error('a defect'))
    world.send(a, { n: 1, fail: () => failures.shift() })
    await world.pass(60_000)
    expect(world.region.isQuarantined(a)).to.equal(true)
    await world.region.handOver('session', shards, 5_000)
    expect(world.region.isQuarantined(a)).to.equal(false)
    expect(world.metrics.of('quarantined session')).to.equal(0)
    await world.region.takeOver('session', shards)
    expect(world.region.isQuarantined(a)).to.equal(true)
    const before = world.log.settledCount
    world.send(a, { n: 2 })
    await until(() => world.log.settledCount === before + 1)
    expect((await world.quarantine.held(a)).length, 'held behind the first').to.equal(2)
    await world.region.resume(a, { action: 'drop' })
    await until(() => world.record(a).handled.includes(2))
  })
})
