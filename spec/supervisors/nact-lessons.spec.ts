import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import type { ActorRecipe } from '../../actors/kernel/actor.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { inContext, messageContext, messageFields } from '../../actors/kernel/message-context.ts'
import type { Ref } from '../../actors/kernel/ref.ts'
import { silentLogger, silentMetrics } from '../../actors/kernel/telemetry.ts'
import { createActorSystem, type WatchedActorSystem } from '../../supervisors/actor-system.ts'
import { addressed } from '../../supervisors/tree.ts'
import { countedIds, Gate, type Order, Probe, settled, until } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** What nact 7.6.2 does (runtime-lessons), and what ours does instead. The title says nact's way first. */
describe('lessons from nact', () => {
  const supervision = { ...addressed.session, intensity: 3 }
  let clock: VirtualClock
  let system: WatchedActorSystem
  let rejections: unknown[]
  const unhandled = (reason: unknown) => void rejections.push(reason)

  beforeEach(() => {
    clock = new VirtualClock()
    rejections = []
    process.on('unhandledRejection', unhandled)
    system = createActorSystem({ clock, ids: countedIds(), log: silentLogger, metrics: silentMetrics })
  })

  afterEach(async () => {
    await system.shutdown()
    await settled(3)
    process.off('unhandledRejection', unhandled)
    expect(rejections, 'unhandled rejections').to.deep.equal([])
    expect(system.tree(), 'leaked actors').to.deep.equal([])
  })

  it('dispatch to a stopped actor is silent: ours answers stopped, and onDead has the message', async () => {
    const dead: unknown[] = []
    const ref = system.spawn(undefined, 'a', new Probe().recipe(), { onDead: (message) => dead.push(message) })
    await system.stop(ref)
    expect(system.tell(ref, { note: 'late' })).to.equal('stopped')
    expect(dead).to.deep.equal([{ note: 'late' }])
  })

  it('stop does not wait and a respawn overlaps: ours waits, and the name is taken until then', async () => {
    const gate = new Gate()
    const probe = new Probe()
    const ref = system.spawn(undefined, 'a', probe.recipe())
    system.tell(ref, { note: 'slow', wait: gate })
    await until(() => probe.running === 1)
    const stopping = system.stop(ref)
    expect(() => system.spawn(undefined, 'a', probe.recipe())).to.throw(Failure)
    gate.open()
    await stopping
    const again = system.spawn(undefined, 'a', probe.recipe())
    system.tell(again, { note: 'again' })
    await until(() => probe.log.includes('again'))
    expect(probe.mostRunning).to.equal(1)
  })

  it('messages queued at stop are dropped: ours go to onDead', async () => {
    const dead: unknown[] = []
    const ref = system.spawn(undefined, 'a', new Probe().recipe(), { onDead: (message) => dead.push(message) })
    system.tell(ref, { note: 'one' })
    system.tell(ref, { note: 'two' })
    await system.stop(ref)
    expect(dead).to.deep.equal([{ note: 'one' }, { note: 'two' }])
  })

  it('a failure after a stop is an unhandled rejection: ours is logged, and the message is dead', async () => {
    const dead: unknown[] = []
    const gate = new Gate()
    const probe = new Probe()
    const ref = system.spawn(undefined, 'a', probe.recipe(), { onDead: (message) => dead.push(message) })
    const order: Order = { note: 'x', run: () => gate.opened.then(() => Promise.reject(new Error('late'))) }
    system.tell(ref, order)
    await until(() => probe.running === 1)
    const stopping = system.stop(ref)
    gate.open()
    await stopping
    expect(dead).to.deep.equal([order])
  })

  it('7,198 restarts in 100 ms: ours are limited and spaced', async () => {
    const probe = new Probe()
    const ref = system.spawn(undefined, 'a', probe.recipe(), { supervision })
    for (let n = 0; n < 50; n++) system.tell(ref, { note: 'poison', fail: new Error('again') })
    for (let n = 0; n < 100; n++) {
      await settled(5)
      clock.advance(100)
    }
    expect(probe.starts).to.equal(1 + supervision.intensity)
  })

  it('reset drops the poison message: ours, for an addressed actor, is at the head of the next life', async () => {
    const probe = new Probe()
    let fails = 2
    const ref = system.spawn(undefined, 'a', probe.recipe(), { supervision, address: 'session:a' })
    system.tell(ref, { note: 'one', fail: () => (fails-- > 0 ? new Error('not yet') : undefined) })
    system.tell(ref, { note: 'two' })
    for (let n = 0; n < 20; n++) {
      await settled(5)
      clock.advance(100)
    }
    expect(probe.log).to.deep.equal(['start', 'start', 'start', 'one', 'two'])
  })

  it('reset brings back the spawn-time state: ours starts anew', async () => {
    let lives = 0
    const seen: number[] = []
    const recipe: ActorRecipe<'fail' | 'look', number> = {
      type: 'reborn',
      capacity: 5,
      start: () => ++lives,
      receive: (state, message) => {
        if (message === 'fail') throw new Error('x')
        seen.push(state)
        return state
      },
    }
    const ref = system.spawn(undefined, 'a', recipe, { supervision })
    system.tell(ref, 'fail')
    await settled()
    clock.advance(1_000)
    system.tell(ref, 'look')
    await until(() => seen.length === 1)
    expect(seen).to.deep.equal([2])
  })

  it('a query that times out leaves an error to whoever answers late: ours ignores the late answer', async () => {
    let late: ((answer: number) => void) | undefined
    const recipe: ActorRecipe<(answer: number) => void, undefined> = {
      type: 'late',
      capacity: 5,
      start: () => undefined,
      receive: (_, reply) => {
        late = reply
        return undefined
      },
    }
    const ref = system.spawn(undefined, 'a', recipe)
    const asked = system.ask<(answer: number) => void, number>(ref, (reply) => reply, 100).catch((error) => error.code)
    await until(() => late !== undefined)
    clock.advance(100)
    expect(await asked).to.equal('ASK_TIMEOUT')
    late?.(1)
  })

  it('20,000 children make each message of their parent slow: ours keeps nact’s own map small', async () => {
    const parent = system.spawn(undefined, 'p', new Probe().recipe())
    for (let n = 0; n < 1_000; n++) system.spawn(parent, `c${n}`, new Probe().recipe())
    const { incarnation } = parent as unknown as { incarnation: { nact: { system: { name: string } } } }
    expect(nactChildren(incarnation.nact)).to.be.below(20)
    expect(system.tree()[0]?.children).to.have.length(1_000)
  })

  it('a context leaks into the messages queued behind: ours has each message in its own', async () => {
    const seen: unknown[] = []
    const foreign = new AsyncLocalStorage<string>()
    const recipe: ActorRecipe<string, undefined> = {
      type: 'traced',
      capacity: 10,
      start: () => undefined,
      receive: async (_, message) => {
        const before = messageContext()
        await settled(1)
        expect(messageContext()).to.equal(before)
        seen.push([message, before?.trace.id, messageFields().user, foreign.getStore()])
        return undefined
      },
    }
    const ref = system.spawn(undefined, 'a', recipe)
    const context = (id: string) => ({ trace: { id }, fields: { user: `u${id}` } })
    foreign.run('leak', () => inContext(context('A'), () => system.tell(ref, 'a')))
    system.tell(ref, 'b')
    inContext(context('C'), () => system.tell(ref, 'c'))
    await until(() => seen.length === 3)
    foreign.run('leak', () => inContext(context('D'), () => system.tell(ref, 'd')))
    system.tell(ref, 'e')
    await until(() => seen.length === 5)
    expect(seen).to.deep.equal([
      ['a', 'A', 'uA', undefined],
      ['b', undefined, undefined, undefined],
      ['c', 'C', 'uC', undefined],
      ['d', 'D', 'uD', undefined],
      ['e', undefined, undefined, undefined],
    ])
  })

  it('a shutdown after 30 days wraps negative and is at once: ours never uses nact’s timer', async () => {
    const probe = new Probe()
    const ref = system.spawn(undefined, 'a', probe.recipe(), {
      supervision: { ...supervision, shutdownMs: 30 * 24 * 3_600_000 },
    })
    system.tell(ref, { note: 'x' })
    await until(() => probe.log.includes('x'))
    await settled()
    expect(system.isRunning(ref)).to.equal(true)
  })

  it('any ref passes for any other: ours does not compile', () => {
    const takesNumbers = (_: Ref<number>) => {}
    const numbers = system.spawn<number, undefined>(undefined, 'n', {
      type: 'n',
      capacity: 1,
      start: () => undefined,
      receive: () => undefined,
    })
    const words = system.spawn<string, undefined>(undefined, 'w', {
      type: 'w',
      capacity: 1,
      start: () => undefined,
      receive: () => undefined,
    })
    takesNumbers(numbers)
    // @ts-expect-error a ref of another message type
    takesNumbers(words)
    // @ts-expect-error a message of another type
    system.tell(numbers, 'seven')
    // @ts-expect-error any object
    takesNumbers({})
  })

  it('a throwing handler of the last resort ends the process: ours is caught', async () => {
    const ref = system.spawn(undefined, 'a', new Probe().recipe(), {
      onDead: () => {
        throw new Error('the undertaker fails too')
      },
    })
    system.tell(ref, { note: 'x', fail: new Error('x') })
    await until(() => system.tree().length === 0)
  })
})

const require = createRequire(import.meta.url)

/** Children that nact itself holds for an actor, found as nact finds them. */
function nactChildren(ref: { system: { name: string } }): number {
  const systemMap = require('nact/lib/system-map') as {
    find(name: string, ref: object): { children: Map<string, unknown> }
  }
  return systemMap.find(ref.system.name, ref).children.size
}
