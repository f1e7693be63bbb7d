import { freePort } from '../../supervisors/drills/service-process.ts'
import { BenchCluster } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import { type BenchServers, withServers } from './bench-servers.ts'
import { ClusterLoad, onBrokers, turnsRow } from './cluster-load.ts'
import { byRoom, profiled, type SelfTime, selfTimes } from './cpu-profile.ts'

/**
 * Where the main threads of a gateway and a node are: self time by room, and the costliest functions. Shares only: a sample is
 * wall-clock time, which on a busy machine is also the wait for a CPU.
 */
const CLIENTS = 64
const WARM_MS = 5_000
const MEASURE_MS = 5_000
const ROOMS = 12
const FUNCTIONS = 15

export const run = () => withServers('cluster-profile', measured)

async function measured(servers: BenchServers): Promise<BenchRow[]> {
  const [node, gateway] = [await freePort(), await freePort()]
  const inspect = (port: number) => [`--inspect=127.0.0.1:${port}`]
  const cluster = await BenchCluster.start(servers, [
    { role: 'node', node: inspect(node) },
    { role: 'gateway', node: inspect(gateway) },
  ])
  const load = new ClusterLoad(cluster, servers)
  try {
    await load.measure(CLIENTS, WARM_MS)
    const outer = await profiled(node, () => profiled(gateway, () => load.measure(CLIENTS, MEASURE_MS)))
    const { result, profile } = outer.result
    return [
      turnsRow(`cluster turns, ${CLIENTS} clients, profiled, ${onBrokers(servers)}`, result),
      ...rowsOf('node', selfTimes(outer.profile)),
      ...rowsOf('gateway', selfTimes(profile)),
      await load.comparedWithJournal('profiled'),
    ]
  } finally {
    load.close()
    await cluster.release()
  }
}

function rowsOf(process: string, times: readonly SelfTime[]): BenchRow[] {
  const all = times.reduce((sum, { ms }) => sum + ms, 0)
  const row =
    (kind: string) =>
    ({ name, room, ms }: SelfTime): BenchRow => ({
      what: `${process}, ${kind}: ${name}`,
      value: `${((100 * ms) / all).toFixed(1)} %`,
      ...(kind === 'function' && { note: room }),
    })
  return [...byRoom(times).slice(0, ROOMS).map(row('room')), ...times.slice(0, FUNCTIONS).map(row('function'))]
}
