import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Agent } from 'undici'
import { address } from '../../actors/kernel/address.ts'
import { systemIds } from '../../infra/clock.ts'
import { BenchCluster } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import { type BenchServers, withServers } from './bench-servers.ts'
import { ClusterLoad, cpuATurn, onBrokers } from './cluster-load.ts'
import { count, distribution, ms, percentile } from './figures.ts'
import { oneTurn } from './one-turn.ts'

/** One session, one client, turn after turn; then it sleeps and wakes, with the snapshot that it left and without. */
const EVENTS = 10_000
const STEP = 1_000
const IDLE_SECONDS = 1
const ASLEEP_MS = 3_500
const WAKES = 5
/** On a machine that does something else as well it says how far it came. */
const GIVE_UP_MS = 150_000

export const run = () => withServers('long-session', measured)

async function measured(servers: BenchServers): Promise<BenchRow[]> {
  const cluster = await BenchCluster.start(servers, ['node', 'gateway'], { SOMA_IDLE_SECONDS: String(IDLE_SECONDS) })
  const load = new ClusterLoad(cluster, servers)
  const dispatcher = new Agent({ pipelining: 1 })
  const session = systemIds.uuid()
  const to = address('session', session)
  const redis = new Redis(servers.redis)
  const events = async () =>
    Number((await cluster.query<{ seq: string }>('select seq from actors where address = $1', [to]))[0]?.seq ?? 0)
  const turn = async () => {
    const from = performance.now()
    const failed = await oneTurn(cluster.url, { session, dispatcher })
    if (failed !== undefined) throw new Error(`${failed}\n${cluster.complaints}`)
    load.answers++
    return performance.now() - from
  }
  const forget = async () => {
    // A busy machine falls asleep late.
    let keys: string[] = []
    for (let left = 40; keys.length === 0 && left > 0; left--) {
      keys = await redis.keys(`*${to}*`)
      if (keys.length === 0) await pause(250)
    }
    if (keys.length === 0) throw new Error('there was no snapshot')
    await redis.del(...keys)
  }
  const wakes = async (before: () => Promise<unknown>) => {
    const samples: number[] = []
    for (let n = 0; n < WAKES; n++) {
      await pause(ASLEEP_MS)
      await before()
      samples.push(await turn())
    }
    return samples
  }
  try {
    const rows: BenchRow[] = []
    for (let n = 0; n < 50; n++) await turn() // warm
    let at = await events()
    const until = performance.now() + GIVE_UP_MS
    while (at < EVENTS && performance.now() < until) {
      const used = load.used()
      const next = Math.floor(at / STEP + 1) * STEP
      const times: number[] = []
      for (let now = at; now < next && performance.now() < until; ) {
        times.push(await turn())
        if (times.length % 25 === 0) now = await events()
      }
      const cpu = Object.fromEntries(Object.entries(load.used()).map(([name, all]) => [name, all - (used[name] ?? 0)]))
      const from = at
      at = await events()
      rows.push({
        what: `a turn of one session of ${count(from)} to ${count(at)} events, ${onBrokers(servers)}`,
        value: distribution(times),
        note: cpuATurn(cpu, times.length),
      })
    }
    const warm: number[] = []
    for (let n = 0; n < 20; n++) warm.push(await turn())
    const held = await wakes(async () => {})
    const lost = await wakes(forget)
    const note = `of ${WAKES}; the session awake: p50 ${ms(percentile(warm, 0.5))}`
    rows.push(
      {
        what: `its first turn after sleep, ${count(at)} events, snapshot there`,
        value: distribution(held, 'max'),
        note,
      },
      { what: `its first turn after sleep, ${count(at)} events, no snapshot`, value: distribution(lost, 'max'), note },
      await load.comparedWithJournal('one session'),
    )
    return rows
  } finally {
    redis.disconnect()
    load.close()
    await dispatcher.destroy()
    await cluster.release()
  }
}
