import { BenchCluster, type BenchRole } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import { type BenchServers, withServers } from './bench-servers.ts'
import { ClusterLoad, onBrokers, turnsRow } from './cluster-load.ts'

/**
 * Durable turns on Kafka, Postgres and Redis: accepted by a gateway, carried by Kafka to a node, journaled, answered by the
 * echo, and told back. Everything shares the machine, so a turn's CPU is of all of it. Compared with the journal afterwards.
 */
const LEVELS = [1, 16, 64, 256]
const WARM_MS = 4_000
const SETTLE_MS = 500
const LEVEL_MS = 3_000

const goals: Readonly<Record<number, string>> = { 1: 'p50 <= 4 ms', 256: '>= 6,600/s, CPU <= 0.3 ms a turn' }

const shapes: readonly { readonly what: string; readonly members: readonly BenchRole[] }[] = [
  { what: 'a gateway and a node', members: ['node', 'gateway'] },
  { what: 'one process of all roles', members: ['all'] },
]

export const run = () => withServers('cluster-turns', measured)

async function measured(servers: BenchServers): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const { what, members } of shapes) {
    const cluster = await BenchCluster.start(servers, members)
    const load = new ClusterLoad(cluster, servers)
    try {
      await load.measure(64, WARM_MS)
      for (const clients of LEVELS) {
        await load.measure(clients, SETTLE_MS)
        const result = await load.measure(clients, LEVEL_MS)
        const title = `cluster turns, ${clients} client${clients === 1 ? '' : 's'}, ${what}, ${onBrokers(servers)}`
        rows.push(turnsRow(title, result, goals[clients]))
      }
      rows.push(await load.comparedWithJournal(what))
    } finally {
      load.close()
      await cluster.release()
    }
  }
  return rows
}
