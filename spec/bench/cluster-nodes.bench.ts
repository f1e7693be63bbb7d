import { BenchCluster } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import { type BenchServers, withServers } from './bench-servers.ts'
import { ClusterLoad, onBrokers, turnsRow } from './cluster-load.ts'
import { shardsSettled } from './shards-settled.ts'

/** One cluster that grows. All of it shares the machine: CPU a turn tells more of what a node adds than the turns do. */
const NODES = 3
const CLIENTS = 256
const WARM_MS = 4_000
const MEASURE_MS = 4_000

export const run = () => withServers('cluster-nodes', measured)

async function measured(servers: BenchServers): Promise<BenchRow[]> {
  const cluster = await BenchCluster.start(servers, ['gateway'])
  const load = new ClusterLoad(cluster, servers)
  const rows: BenchRow[] = []
  try {
    for (let nodes = 1; nodes <= NODES; nodes++) {
      await cluster.join('node')
      await shardsSettled(cluster, nodes)
      await load.measure(CLIENTS, WARM_MS)
      const title = `cluster turns, ${CLIENTS} clients, ${nodes} node${nodes === 1 ? '' : 's'}, ${onBrokers(servers)}`
      rows.push(turnsRow(title, await load.measure(CLIENTS, MEASURE_MS)))
    }
    rows.push(await load.comparedWithJournal(`1 to ${NODES} nodes`))
    return rows
  } finally {
    load.close()
    await cluster.release()
  }
}
