import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { Lifecycle, type ProcessHandle, untilSignal } from '../../infra/lifecycle.ts'
import { Gate, settled, until } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function world() {
  const clock = new VirtualClock()
  const lifecycle = new Lifecycle(silentLogger, clock)
  const log: string[] = []
  const part = (name: string) =>
    lifecycle.start(
      name,
      () => void log.push(`+${name}`),
      () => log.push(`-${name}`),
    )
  return { clock, lifecycle, log, part }
}

describe('lifecycle', () => {
  it('stops in the reverse of the order in which it started (L2)', async () => {
    const { lifecycle, log, part } = world()
    for (const name of ['journal', 'actors', 'gateway']) await part(name)
    await lifecycle.stop()
    expect(log).to.deep.equal(['+journal', '+actors', '+gateway', '-gateway', '-actors', '-journal'])
  })

  it('leaves nothing running when a part cannot start, and says why (L1)', async () => {
    const { lifecycle, log, part } = world()
    await part('journal')
    const refused = await lifecycle.start('gateway', () => Promise.reject(new Error('port in use'))).catch(String)
    expect(refused).to.include('port in use')
    expect(log).to.deep.equal(['+journal', '-journal'])
  })

  it('stops a part that came up while its neighbour was failing (L1)', async () => {
    const { lifecycle, log } = world()
    const slow = new Gate()
    const beside = lifecycle
      .start(
        'models',
        () => slow.opened,
        () => log.push('-models'),
      )
      .catch(String)
    await lifecycle.start('journal', () => Promise.reject(new Error('no disk'))).catch(() => {})
    slow.open()
    expect(await beside).to.include('no disk')
    expect(log).to.deep.equal(['-models'])
  })

  it('goes on stopping past a part that fails to, or hangs (L3)', async () => {
    const { clock, lifecycle, log, part } = world()
    await part('journal')
    await lifecycle.start(
      'broken',
      () => {},
      () => Promise.reject(new Error('cannot')),
    )
    await lifecycle.start(
      'hanging',
      () => {},
      () => new Promise(() => {}),
      5_000,
    )
    const stopped = lifecycle.stop()
    await settled()
    expect(log).to.deep.equal(['+journal'])
    clock.advance(5_000)
    await stopped
    expect(log).to.deep.equal(['+journal', '-journal'])
  })

  it('stops once, however often it is asked', async () => {
    const { lifecycle, log, part } = world()
    await part('journal')
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    expect(log).to.deep.equal(['+journal', '-journal'])
  })
})

describe('process', () => {
  class FakeProcess extends EventEmitter implements ProcessHandle {
    readonly exits: number[] = []
    exit(code: number): void {
      this.exits.push(code)
    }
  }

  it('drains at the first signal and ends with 0, saying last how long that took', async () => {
    const handle = new FakeProcess()
    const clock = new VirtualClock()
    const said: unknown[] = []
    const log = { ...silentLogger, info: (fields: object, text: string) => void said.push([text, fields]) }
    const drain = async () => clock.advance(250)
    untilSignal(drain, log, handle, () => clock.now())
    handle.emit('SIGTERM')
    await until(() => handle.exits.length > 0)
    expect(handle.exits).to.deep.equal([0])
    expect(said).to.deep.equal([
      ['stopping', { signal: 'SIGTERM' }],
      ['stopped', { ms: 250 }],
    ])
  })

  it('leaves at once at the second signal', () => {
    const handle = new FakeProcess()
    untilSignal(() => new Promise(() => {}), silentLogger, handle)
    handle.emit('SIGTERM')
    expect(handle.exits).to.deep.equal([])
    handle.emit('SIGINT')
    expect(handle.exits).to.deep.equal([130])
  })

  it('ends with 1, without a drain, at an error that nobody caught', () => {
    const handle = new FakeProcess()
    let drained = false
    const drain = async () => {
      drained = true
    }
    untilSignal(drain, silentLogger, handle)
    handle.emit('unhandledRejection', new Error('lost'))
    expect(handle.exits).to.deep.equal([1])
    expect(drained).to.equal(false)
  })
})
