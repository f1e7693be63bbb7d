import { BenchCluster } from './bench-cluster.ts'
import { withServers } from './bench-servers.ts'
import { onBrokers } from './cluster-load.ts'
import { tokenRows } from './token-streams.ts'

/** From the model to the node, through Kafka to the gateway's inbox, to the client. */
export const run = () =>
  withServers('cluster-tokens', (servers) =>
    tokenRows(`model token to client through node and gateway, ${onBrokers(servers)}`, [1, 50], (env) =>
      BenchCluster.start(servers, ['node', 'gateway'], env),
    ),
  )
