import { expect } from 'chai'
import { address, shardOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { DueTimer } from '../../persistence/timers.ts'
import { TimerWatch } from '../../supervisors/timer-watch.ts'
import { settled } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const session = address('session', '8c5f0000-0000-4000-8000-000000000001')
const shard = shardOf(session)

describe('the timer watch', () => {
  let clock: VirtualClock
  let table: DueTimer[]
  let owned: number[]
  let told: Envelope[]
  let full: boolean
  let failure: Error | undefined
  let watch: TimerWatch

  beforeEach(() => {
    clock = new VirtualClock()
    table = []
    owned = [shard]
    told = []
    full = false
    failure = undefined
    watch = new TimerWatch({
      timers: {
        async due(_kind, shards, at, limit) {
          if (failure) throw failure
          return table.filter((timer) => shards.includes(shardOf(timer.address)) && timer.due <= at).slice(0, limit)
        },
      },
      region: {
        deliver({ envelope }) {
          if (full) return 'full'
          told.push(envelope)
          return 'accepted'
        },
      },
      shards: () => owned,
      clock,
      log: silentLogger,
    })
  })
  afterEach(() => watch.close())

  const timer = (due: number, timerId = 't1'): DueTimer => ({ address: session, timerId, tenant: 'acme', due })
  async function pass(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += 100) {
      clock.advance(100)
      await settled()
    }
  }

  it('W1: tells a timer at its time, not before, as its tenant', async () => {
    const due = clock.now() + 2_500
    table = [timer(due)]
    watch.start()
    await pass(2_400)
    expect(told).to.deep.equal([])
    await pass(100)
    expect(told).to.have.length(1)
    expect(told[0]).to.deep.include({ id: `${session}/timer/t1/${due}`, to: session, tenant: 'acme' })
    expect(told[0]?.body).to.deep.equal({ kind: 'Tick', v: 1, timerId: 't1', due })
  })

  it('W1: tells at once what was due while nobody looked', async () => {
    table = [timer(clock.now() - 1e9)]
    watch.start()
    await settled()
    await pass(100)
    expect(told).to.have.length(1)
  })

  it('W2: tells again, under the same id, what stays due; and not before half a minute', async () => {
    table = [timer(clock.now())]
    watch.start()
    await pass(25_000)
    expect(told).to.have.length(1)
    await pass(10_000)
    expect(told).to.have.length(2)
    expect(new Set(told.map(({ id }) => id)).size).to.equal(1)
  })

  it('tells again soon when the mailbox was full', async () => {
    table = [timer(clock.now())]
    full = true
    watch.start()
    await pass(1_000)
    full = false
    await pass(1_200)
    expect(told).to.have.length(1)
  })

  it('tells nothing of a shard that it lost in between', async () => {
    table = [timer(clock.now() + 500)]
    watch.start()
    await settled()
    owned = []
    await pass(2_000)
    expect(told).to.deep.equal([])
  })

  it('looks again after the database failed', async () => {
    table = [timer(clock.now())]
    failure = new Error('down')
    watch.start()
    await pass(1_500)
    failure = undefined
    await pass(1_500)
    expect(told).to.have.length(1)
  })
})
