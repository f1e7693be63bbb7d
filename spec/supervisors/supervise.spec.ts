import { expect } from 'chai'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Ref } from '../../actors/kernel/ref.ts'
import type { Supervision } from '../../actors/kernel/supervision.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { createActorSystem, type WatchedActorSystem } from '../../supervisors/actor-system.ts'
import { CountingMetrics, countedIds, Gate, type Order, Probe, settled, until } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const policy: Supervision = {
  strategy: 'one-for-one',
  restart: 'transient',
  intensity: 3,
  periodMs: 60_000,
  backoff: { baseMs: 100, maxMs: 1_000, jitter: 0 },
  shutdownMs: 5_000,
}
const defect = new Error('a defect')

describe('supervision', () => {
  let clock: VirtualClock
  let metrics: CountingMetrics
  let system: WatchedActorSystem
  let escalations: string[]
  let dead: string[]
  const onDead = (message: unknown) => void dead.push((message as Order).note)

  beforeEach(() => {
    clock = new VirtualClock()
    metrics = new CountingMetrics()
    escalations = []
    dead = []
    system = createActorSystem({
      clock,
      ids: countedIds(),
      log: silentLogger,
      metrics,
      escalated: (failure, path) => escalations.push(`${failure.code} ${path}`),
    })
  })

  afterEach(async () => {
    await system.shutdown()
    expect(system.tree(), 'leaked actors').to.deep.equal([])
  })

  function spawn(probe: Probe, over: Partial<Supervision> = {}, name = 'a', parent?: Ref<never>) {
    return system.spawn(parent, name, probe.recipe(), { supervision: { ...policy, ...over }, onDead })
  }

  /** A parent whose children are the probes, in this order. */
  async function family(over: Partial<Supervision>, ...each: Partial<Supervision>[]) {
    const parent = system.spawn(undefined, 'parent', new Probe().recipe(), { supervision: policy })
    const probes = ['first', 'second', 'third'].map((name, i) => {
      const probe = new Probe()
      const ref = spawn(probe, { ...over, ...each[i] }, name, parent)
      return { name, probe, ref }
    })
    await until(() => probes.every(({ probe }) => probe.starts === 1))
    return probes
  }

  const starts = (probes: { probe: Probe }[]) => probes.map(({ probe }) => probe.starts)

  it('restarts after its backoff, with a new state, the message behind kept and the failing one dead', async () => {
    const probe = new Probe()
    const ref = spawn(probe)
    system.tell(ref, { note: 'poison', fail: defect })
    system.tell(ref, { note: 'next' })
    await until(() => system.tree()[0]?.state === 'backing-off')
    await settled()
    expect(dead).to.deep.equal(['poison'])
    expect(probe.log).to.deep.equal(['start'])
    clock.advance(99)
    await settled()
    expect(probe.starts).to.equal(1)
    clock.advance(1)
    await until(() => probe.log.length === 3)
    expect(probe.log).to.deep.equal(['start', 'start', 'next'])
    expect(system.tree()[0]?.restarts).to.equal(1)
    expect(metrics.of('restarted probe INTERNAL')).to.equal(1)
  })

  it('goes on with its state when the message was at fault', async () => {
    const probe = new Probe()
    const ref = spawn(probe)
    system.tell(ref, { note: 'odd', fail: new Failure('MALFORMED_MESSAGE', 'x') })
    system.tell(ref, { note: 'next' })
    await until(() => probe.log.includes('next'))
    expect(probe.starts).to.equal(1)
    expect(dead).to.deep.equal(['odd'])
  })

  it('escalates more than intensity failures within the period to the parent, which restarts (S3)', async () => {
    const parentProbe = new Probe()
    const parent = spawn(parentProbe, {}, 'parent')
    const probe = new Probe()
    const ref = spawn(probe, {}, 'child', parent)
    for (let n = 0; n < 4; n++) {
      system.tell(ref, { note: `poison ${n}`, fail: defect })
      await settled()
      clock.advance(1_000)
      await settled()
    }
    await until(() => parentProbe.starts === 2)
    expect(probe.starts, 'one life and three restarts').to.equal(4)
    expect(system.isRunning(ref), 'the child is gone; its parent decides anew').to.equal(false)
    expect(escalations).to.deep.equal([])
  })

  it('tells the process when nobody is left to mend it', async () => {
    const probe = new Probe()
    const ref = spawn(probe)
    system.tell(ref, { note: 'x', fail: new Failure('DATA_DIR_UNUSABLE', 'gone') })
    await until(() => escalations.length === 1)
    expect(escalations).to.deep.equal(['DATA_DIR_UNUSABLE /a'])
  })

  it('never restarts a temporary actor', async () => {
    const probe = new Probe()
    const ref = spawn(probe, { restart: 'temporary' })
    system.tell(ref, { note: 'x', fail: defect })
    system.tell(ref, { note: 'y' })
    await until(() => system.tree().length === 0)
    expect(probe.starts).to.equal(1)
    expect(dead).to.deep.equal(['x', 'y'])
    expect(system.tell(ref, { note: 'z' })).to.equal('stopped')
  })

  it('restarts a permanent actor that stops itself, and not a transient one', async () => {
    const permanent = new Probe()
    const transient = new Probe()
    const refs = [spawn(permanent, { restart: 'permanent' }, 'permanent'), spawn(transient, {}, 'transient')]
    for (const ref of refs) system.tell(ref, { note: 'bye', run: (context) => context.stopSelf() })
    await until(() => system.tree().length === 1 && permanent.log.includes('bye'))
    await settled()
    clock.advance(100)
    await until(() => permanent.starts === 2)
    expect(transient.starts).to.equal(1)
    expect(permanent.log, 'an ordinary end has its stop hook').to.deep.equal(['start', 'bye', 'stop', 'start'])
  })

  it('retries a failing start with backoff', async () => {
    const probe = new Probe()
    probe.failStarts = [defect, new Failure('MALFORMED_MESSAGE', 'no state yet to go on with')]
    const ref = spawn(probe)
    system.tell(ref, { note: 'patient' })
    for (let n = 0; n < 10; n++) {
      await settled()
      clock.advance(100)
    }
    await until(() => probe.log.includes('patient'))
    expect(probe.starts).to.equal(3)
    expect(dead).to.deep.equal([])
  })

  it('one-for-one: the others go on', async () => {
    const probes = await family({ strategy: 'one-for-one' })
    system.tell((probes[1] as (typeof probes)[0]).ref, { note: 'x', fail: defect })
    await settled()
    clock.advance(100)
    await settled()
    expect(starts(probes)).to.deep.equal([1, 2, 1])
  })

  it('rest-for-one: it and those started after it', async () => {
    const probes = await family({ strategy: 'rest-for-one' })
    system.tell((probes[1] as (typeof probes)[0]).ref, { note: 'x', fail: defect })
    await settled()
    clock.advance(100)
    await settled()
    expect(starts(probes)).to.deep.equal([1, 2, 2])
    expect(probes[2]?.probe.log, 'a sibling ends in good order').to.deep.equal(['start', 'stop', 'start'])
    expect(metrics.of('restarted probe sibling')).to.equal(1)
  })

  it('one-for-all: all of them, temporary ones never again', async () => {
    const probes = await family({ strategy: 'one-for-all' }, {}, {}, { restart: 'temporary' })
    system.tell((probes[1] as (typeof probes)[0]).ref, { note: 'x', fail: defect })
    await settled()
    clock.advance(100)
    await settled()
    expect(starts(probes)).to.deep.equal([2, 2, 1])
    expect(system.isRunning((probes[2] as (typeof probes)[0]).ref)).to.equal(false)
  })

  it('a busy sibling finishes its message before it restarts, and keeps what waits', async () => {
    const probes = await family({ strategy: 'one-for-all' })
    const [first, second] = probes as [(typeof probes)[0], (typeof probes)[0]]
    const gate = new Gate()
    system.tell(first.ref, { note: 'slow', wait: gate })
    system.tell(first.ref, { note: 'later' })
    await until(() => first.probe.running === 1)
    system.tell(second.ref, { note: 'x', fail: defect })
    await settled()
    clock.advance(10_000)
    await settled()
    expect(starts(probes), 'nobody restarts before the group has ended').to.deep.equal([1, 1, 1])
    gate.open()
    await settled()
    clock.advance(100)
    await until(() => first.probe.log.includes('later'))
    expect(first.probe.log).to.deep.equal(['start', 'slow', 'stop', 'start', 'later'])
    expect(first.probe.mostRunning).to.equal(1)
  })

  it('two failures in one group are one restart', async () => {
    const probes = await family({ strategy: 'one-for-all' })
    const gate = new Gate()
    const [first, second] = probes as [(typeof probes)[0], (typeof probes)[0]]
    system.tell(first.ref, { note: 'late failure', wait: gate, fail: defect } as Order)
    await until(() => first.probe.running === 1)
    system.tell(second.ref, { note: 'x', fail: defect })
    await settled()
    gate.open()
    await settled()
    clock.advance(1_000)
    await settled()
    expect(starts(probes)).to.deep.equal([2, 2, 2])
    expect(dead.sort()).to.deep.equal(['late failure', 'x'])
  })

  it('a stop wins over a restart (L3)', async () => {
    const probe = new Probe()
    const ref = spawn(probe)
    system.tell(ref, { note: 'x', fail: defect })
    await until(() => system.tree()[0]?.state === 'backing-off')
    await system.stop(ref)
    clock.advance(10_000)
    await settled()
    expect(probe.starts).to.equal(1)
    expect(system.tree()).to.deep.equal([])
  })

  it('stops the children of a failed life before the next begins', async () => {
    const probe = new Probe()
    const child = new Probe()
    const ref = spawn(probe)
    system.tell(ref, { note: 'spawn', run: (context) => context.spawn('child', child.recipe()) })
    await until(() => child.starts === 1)
    system.tell(ref, { note: 'x', fail: defect })
    await until(() => system.tree()[0]?.state === 'backing-off')
    await settled()
    expect(child.log).to.deep.equal(['start', 'stop'])
    clock.advance(100)
    system.tell(ref, { note: 'again', run: (context) => context.spawn('child', child.recipe()) })
    await until(() => child.starts === 2)
  })
})
