import { expect } from 'chai'
import type { ActorRecipe } from '../../actors/kernel/actor.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Ref } from '../../actors/kernel/ref.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { createActorSystem, type WatchedActorSystem } from '../../supervisors/actor-system.ts'
import { CountingMetrics, countedIds, Gate, type Order, Probe, settled, until } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('actor system', () => {
  let clock: VirtualClock
  let metrics: CountingMetrics
  let system: WatchedActorSystem

  beforeEach(() => {
    clock = new VirtualClock()
    metrics = new CountingMetrics()
    system = createActorSystem({ clock, ids: countedIds(), log: silentLogger, metrics })
  })

  afterEach(async () => {
    await system.shutdown()
    expect(system.tree(), 'leaked actors').to.deep.equal([])
    expect(metrics.of('active probe'), 'active gauge').to.equal(0)
  })

  it('starts an actor before its first message, and handles messages in order, one at a time', async () => {
    const probe = new Probe()
    const ref = system.spawn(undefined, 'a', probe.recipe())
    for (let i = 0; i < 90; i++) expect(system.tell(ref, { note: `${i}` })).to.equal('accepted')
    await until(() => probe.log.length === 91)
    expect(probe.log).to.deep.equal(['start', ...Array.from({ length: 90 }, (_, i) => `${i}`)])
    expect(probe.mostRunning).to.equal(1)
  })

  it('awaits an asynchronous start before the first message', async () => {
    const gate = new Gate()
    const seen: number[] = []
    const recipe: ActorRecipe<number, { base: number }> = {
      type: 'late',
      capacity: 10,
      start: async () => {
        await gate.opened
        return { base: 100 }
      },
      receive: (state, n) => {
        seen.push(state.base + n)
        return state
      },
    }
    const ref = system.spawn(undefined, 'late', recipe)
    system.tell(ref, 1)
    await settled()
    expect(seen).to.deep.equal([])
    expect(system.tree()[0]?.state).to.equal('starting')
    gate.open()
    await until(() => seen.length === 1)
    expect(seen).to.deep.equal([101])
  })

  it('refuses beyond the bound, keeps a reserve for control, and never overtakes (I9, B1, B2)', async () => {
    const probe = new Probe()
    const gate = new Gate()
    const ref = system.spawn(undefined, 'a', probe.recipe({ capacity: 10 }))
    system.tell(ref, { note: 'slow', wait: gate })
    await until(() => probe.running === 1)
    for (let i = 0; i < 10; i++) expect(system.tell(ref, { note: `${i}` })).to.equal('accepted')
    expect(system.tell(ref, { note: 'too many' })).to.equal('mailbox-full')
    expect(system.tell(ref, { note: 'control' }, 'control')).to.equal('accepted')
    expect(system.tell(ref, { note: 'control too' }, 'control')).to.equal('mailbox-full')
    gate.open()
    await until(() => system.mailboxDepth(ref) === 0 && probe.running === 0)
    expect(probe.log).to.deep.equal(['start', 'slow', ...Array.from({ length: 10 }, (_, i) => `${i}`), 'control'])
  })

  it('answers an ask, and rejects it at the deadline, when stopped, and when full', async () => {
    interface Ask {
      reply: (n: number) => void
      answer: boolean
    }
    const recipe: ActorRecipe<Ask, undefined> = {
      type: 'asked',
      capacity: 1,
      start: () => undefined,
      receive: (_, { reply, answer }) => {
        if (answer) reply(42)
        return undefined
      },
    }
    const ref = system.spawn(undefined, 'asked', recipe)
    expect(await system.ask(ref, (reply: (n: number) => void) => ({ reply, answer: true }), 1_000)).to.equal(42)
    const late = system.ask(ref, (reply: (n: number) => void) => ({ reply, answer: false }), 1_000)
    const full = system.ask(ref, (reply: (n: number) => void) => ({ reply, answer: true }), 1_000)
    await rejects(full, 'MAILBOX_FULL')
    clock.advance(1_000)
    await rejects(late, 'ASK_TIMEOUT')
    await settled()
    const queued = system.ask(ref, (reply: (n: number) => void) => ({ reply, answer: true }), 1_000)
    const stopping = system.stop(ref)
    await rejects(queued, 'ACTOR_STOPPED')
    await stopping
    await rejects(
      system.ask(ref, (reply: (n: number) => void) => ({ reply, answer: true }), 1_000),
      'ACTOR_STOPPED',
    )
    expect(clock.pending, 'timers left behind').to.equal(0)
  })

  it('stops after the running handler, children first, then the stop hook (L1)', async () => {
    const log: string[] = []
    const parent = new Probe()
    const child = new Probe()
    const gate = new Gate()
    const [childGate, hookGate] = [new Gate(), new Gate()]
    const stop = async () => {
      log.push('parent stops')
      await hookGate.opened
      log.push('parent stopped')
    }
    const ref = system.spawn(undefined, 'parent', parent.recipe({ stop }))
    let childRef: Ref<Order> | undefined
    system.tell(ref, {
      note: 'spawn',
      run: (context) => {
        childRef = context.spawn('child', child.recipe({ stop: () => void log.push('child stop') }))
      },
    })
    system.tell(ref, { note: 'slow', wait: gate })
    await until(() => child.starts === 1 && parent.running === 1)
    system.tell(childRef as Ref<Order>, { note: 'slow', wait: childGate })
    await until(() => child.running === 1)
    const { signal } = parent.lastContext as { signal: AbortSignal }
    expect(signal.aborted).to.equal(false)
    let stopped = false
    const stopping = system.stop(ref).then(() => {
      stopped = true
    })
    expect(signal.aborted, 'aborted at once').to.equal(true)
    await settled()
    expect(stopped).to.equal(false)
    expect(() => system.spawn(undefined, 'parent', parent.recipe())).to.throw(Failure, 'exists')
    gate.open()
    await settled()
    expect(log, 'the child still runs').to.deep.equal([])
    childGate.open()
    await until(() => log.length === 2)
    await settled()
    expect(stopped, 'the hook still runs').to.equal(false)
    hookGate.open()
    await stopping
    expect(log).to.deep.equal(['child stop', 'parent stops', 'parent stopped'])
    expect(parent.log.at(-1)).to.equal('slow')
    system.spawn(undefined, 'parent', parent.recipe())
  })

  it('abandons at shutdownMs what does not stop, and keeps its name until it has (L2)', async () => {
    const probe = new Probe()
    const gate = new Gate()
    const ref = system.spawn(undefined, 'stuck', probe.recipe())
    system.tell(ref, { note: 'stuck', wait: gate })
    await until(() => probe.running === 1)
    const stopping = system.stop(ref)
    clock.advance(60_000)
    await stopping
    expect(() => system.spawn(undefined, 'stuck', probe.recipe())).to.throw(Failure)
    gate.open()
    await until(() => system.tree().length === 0)
    system.spawn(undefined, 'stuck', probe.recipe())
  })

  it('lets an abandoned child end properly even after its parent is gone (L2)', async () => {
    const child = new Probe()
    const gate = new Gate()
    const ref = system.spawn(undefined, 'parent', new Probe().recipe())
    let childRef: Ref<Order> | undefined
    system.tell(ref, {
      note: 'spawn',
      run: (context) => {
        childRef = context.spawn('child', child.recipe())
      },
    })
    await until(() => child.starts === 1)
    system.tell(childRef as Ref<Order>, { note: 'stuck', wait: gate })
    await until(() => child.running === 1)
    const stopping = system.stop(ref)
    await settled()
    clock.advance(60_000)
    await stopping
    await until(() => system.tree().length === 0)
    expect(metrics.of('active probe')).to.equal(1)
    gate.open()
    await until(() => metrics.of('active probe') === 0)
    expect(child.log).to.deep.equal(['start', 'stuck', 'stop'])
  })

  it('hands what was queued at a stop, and what is told after it, to onDead (I8)', async () => {
    const probe = new Probe()
    const dead: unknown[] = []
    const gate = new Gate()
    const ref = system.spawn(undefined, 'a', probe.recipe(), { onDead: (message) => dead.push(message) })
    system.tell(ref, { note: 'slow', wait: gate })
    await until(() => probe.running === 1)
    system.tell(ref, { note: 'queued' })
    const stopping = system.stop(ref)
    expect(system.tell(ref, { note: 'after' })).to.equal('stopped')
    gate.open()
    await stopping
    expect(dead).to.deep.equal([{ note: 'after' }, { note: 'queued' }])
  })

  it('refuses undefined as the state of an actor that has one', async () => {
    const dead: unknown[] = []
    const recipe = { type: 'forgetful', capacity: 5, start: () => 1, receive: () => undefined as unknown as number }
    const ref = system.spawn(undefined, 'f', recipe, { onDead: (_, cause) => dead.push((cause as Failure).code) })
    system.tell(ref, 'x')
    await until(() => dead.length === 1)
    expect(dead).to.deep.equal(['INTERNAL'])
    await until(() => !system.isRunning(ref))
  })

  it('shows the tree', async () => {
    const probe = new Probe()
    const ref = system.spawn(undefined, 'parent', probe.recipe())
    system.tell(ref, { note: 'x', run: (context) => context.spawn('child', new Probe().recipe()) })
    await until(() => probe.log.includes('x'))
    await settled()
    expect(system.tree()).to.deep.equal([
      {
        path: '/parent',
        type: 'probe',
        state: 'running',
        mailbox: 0,
        restarts: 0,
        children: [{ path: '/parent/child', type: 'probe', state: 'running', mailbox: 0, restarts: 0, children: [] }],
      },
    ])
  })
})

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(failure).to.be.instanceOf(Failure)
  expect((failure as Failure).code).to.equal(code)
}
