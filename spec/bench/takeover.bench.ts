import { setTimeout as pause } from 'node:timers/promises'
import { Agent } from 'undici'
import { systemIds } from '../../infra/clock.ts'
import type { ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { BenchCluster } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import { type BenchServers, withServers } from './bench-servers.ts'
import { onBrokers } from './cluster-load.ts'
import { count, ms } from './figures.ts'
import { oneTurn } from './one-turn.ts'
import { idsOn, seed } from './seeded-sessions.ts'
import { shardsSettled } from './shards-settled.ts'

/**
 * kill -9 of one of two nodes. On four of its shards rest so many sessions, a hundredth of them in the middle of a turn; on
 * all its shards are probes, sessions with a past of their own, each of which is sent a message at the kill, again and again
 * under one key until it is answered.
 */
const PER_SHARD = [1, 100, 1_000, 10_000]
const SEEDED_SHARDS = 4
const PROBES = 32
const PAST_TURNS = 10
const TRY_AGAIN_MS = 50
const LOOK_EVERY_MS = 100
const WITHIN_MS = 60_000

export const run = () =>
  withServers('takeover', async (servers) => [
    ...(await measured(servers, 'snapshots in Redis', {})),
    ...(await measured(servers, 'no Redis', { REDIS_URL: '' })),
  ])

async function measured(servers: BenchServers, how: string, env: Record<string, string>): Promise<BenchRow[]> {
  const cluster = await BenchCluster.start(servers, ['node', 'node', 'gateway'], env)
  const dispatcher = new Agent({ pipelining: 1 })
  const rows: BenchRow[] = []
  try {
    for (const perShard of PER_SHARD) {
      const one = await takeover(cluster, dispatcher, perShard)
      rows.push({
        what: `takeover, ${count(perShard)} sessions a shard, ${how}, ${onBrokers(servers)}`,
        value: `first answer ${ms(one.first)}, last ${ms(one.last)}`,
        goal: '<= 3 s',
        note: `${PROBES} asked on ${one.shards} shards; ${one.unfinished} unfinished turns of the dead node done after ${ms(one.finished)}`,
      })
    }
    const [doubled] = await cluster.query<{ n: number }>(
      `select count(*)::int as n from (select 1 from events where kind = 'TurnFinished'
       group by address, data->>'turnId' having count(*) > 1) as twice`,
    )
    if (doubled?.n !== 0) throw new Error(`${doubled?.n} turns finished twice`)
    return rows
  } finally {
    await dispatcher.destroy()
    await cluster.release()
  }
}

async function takeover(cluster: BenchCluster, dispatcher: Agent, perShard: number) {
  const owners = await shardsSettled(cluster, 2)
  const [victim] = await cluster.query<{ id: string }>(
    `select id from nodes where name = 'node-2' order by started_at desc limit 1`,
  )
  const shards = owners.get(victim?.id ?? '')
  if (shards === undefined) throw new Error(`node-2 owns nothing of ${[...owners.keys()]}`)
  const probes = [...idsOn(shards, Math.ceil(PROBES / shards.length)).values()].flat().slice(0, PROBES)
  const answered = async (session: string) => {
    const key = systemIds.uuid()
    const until = performance.now() + WITHIN_MS
    for (;;) {
      const failed = await oneTurn(cluster.url, { session, key, dispatcher })
      if (failed === undefined) return performance.now()
      if (performance.now() > until) throw new Error(failed)
      await pause(TRY_AGAIN_MS)
    }
  }
  for (let turn = 0; turn < PAST_TURNS; turn++) await Promise.all(probes.map(answered))
  const unfinished = Math.max(1, Math.round(perShard / 100))
  for (const [shard, ids] of idsOn(shards.slice(0, SEEDED_SHARDS), perShard)) {
    const template = probes[0] as string
    await seed(cluster, template, shard, ids.slice(0, unfinished), true)
    if (perShard > unfinished) await seed(cluster, template, shard, ids.slice(unfinished), false)
  }
  await cluster.query('analyze')

  const process = cluster.of('node')[1] as ServiceProcess
  const killedAt = performance.now()
  await process.kill()
  const [times, finishedAt] = await Promise.all([Promise.all(probes.map(answered)), allFinished(cluster)])
  process.start()
  await process.ready()
  return {
    shards: shards.length,
    unfinished: unfinished * Math.min(SEEDED_SHARDS, shards.length),
    first: Math.min(...times) - killedAt,
    last: Math.max(...times) - killedAt,
    finished: finishedAt - killedAt,
  }
}

/** When no session is unfinished any more. */
async function allFinished(cluster: BenchCluster): Promise<number> {
  const until = performance.now() + WITHIN_MS
  for (; performance.now() < until; await pause(LOOK_EVERY_MS)) {
    const [left] = await cluster.query<{ n: number }>('select count(*)::int as n from actors where unfinished')
    if (left?.n === 0) return performance.now()
  }
  throw new Error(`unfinished turns were not taken up within ${WITHIN_MS} ms`)
}
