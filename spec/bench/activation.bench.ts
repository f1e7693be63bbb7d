import { setImmediate } from 'node:timers/promises'
import type { Address } from '../../actors/kernel/address.ts'
import { address } from '../../actors/kernel/address.ts'
import { silentLogger, silentMetrics } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { createActorSystem } from '../../supervisors/actor-system.ts'
import { createRegion } from '../../supervisors/region.ts'
import type { Delivery } from '../../transports/mailbox.ts'
import { HeldInMemory, ParkedInMemory } from '../support/region-world.ts'
import type { BenchRow } from './bench-row.ts'

/** What the region costs by itself: the actors have no journal, so this is the floor under any session's activation. */
const IDLE = 10_000
const SAMPLES = 2_000

export async function run(): Promise<BenchRow[]> {
  const system = createActorSystem({ clock: systemClock, ids: systemIds, log: silentLogger, metrics: silentMetrics })
  const region = createRegion({
    system,
    clock: systemClock,
    log: silentLogger,
    metrics: silentMetrics,
    deadLetters: new ParkedInMemory(),
    quarantine: new HeldInMemory(),
    kinds: {
      session: {
        idleMs: 3_600_000,
        isIdle: () => true,
        recipe: () => ({
          type: 'session',
          capacity: 1_000,
          start: () => 0,
          receive: (count, delivery) => {
            delivery.settle()
            return (count as number) + 1
          },
        }),
      },
    },
  })
  const send = (to: Address) =>
    new Promise<void>((resolve) => {
      const envelope = {
        id: to,
        to,
        from: 'gateway',
        tenant: 't',
        priority: 'normal',
        trace: {},
        sentAt: 0,
        body: undefined,
      } as const
      const delivery: Delivery = { envelope, position: { shard: 0, offset: 0 }, settle: resolve }
      if (region.deliver(delivery) !== 'accepted') throw new Error('full')
    })
  const id = (n: number) => address('session', `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`)

  for (let n = 0; n < 500; n++) await send(id(IDLE + n)) // warm
  for (let n = 0; n < 500; n++) await region.passivate(id(IDLE + n), 'memory')

  const activations: number[] = []
  const passivations: number[] = []
  for (let n = 0; n < SAMPLES; n++) {
    const before = process.hrtime.bigint()
    await send(id(IDLE + 1_000 + n))
    activations.push(Number(process.hrtime.bigint() - before) / 1e6)
  }
  for (let n = 0; n < SAMPLES; n++) {
    const before = process.hrtime.bigint()
    await region.passivate(id(IDLE + 1_000 + n), 'memory')
    passivations.push(Number(process.hrtime.bigint() - before) / 1e6)
  }
  if (region.active() !== 0) throw new Error(`${region.active()} left`)

  const empty = await heapUsed()
  for (let n = 0; n < IDLE; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => send(id(n + i))))
  const full = await heapUsed()
  const passivatingFrom = process.hrtime.bigint()
  await Promise.all(Array.from({ length: IDLE }, (_, n) => region.passivate(id(n), 'memory')))
  const passivatingMs = Number(process.hrtime.bigint() - passivatingFrom) / 1e6
  const after = await heapUsed()
  await region.drain(1_000)
  await system.shutdown()

  const each = (bytes: number) => `${Math.round(bytes / IDLE).toLocaleString('en')} bytes`
  return [
    { what: 'activation to handled, region alone', value: percentiles(activations), goal: 'p50 <= 2 ms with journal' },
    { what: 'passivation, region alone', value: percentiles(passivations) },
    { what: `passivating ${IDLE.toLocaleString('en')} at once`, value: `${Math.round(passivatingMs)} ms` },
    {
      what: `idle active actor, of ${IDLE.toLocaleString('en')}`,
      value: hasGc ? each(full - empty) : 'run with --expose-gc',
      goal: '<= 2,048 bytes',
    },
    {
      what: 'the same after passivation',
      value: hasGc ? each(after - empty) : 'run with --expose-gc',
      goal: '0 bytes',
    },
  ]
}

const hasGc = typeof globalThis.gc === 'function'

async function heapUsed(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate()
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

function percentiles(samples: number[]): string {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] as number).toFixed(3)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}
