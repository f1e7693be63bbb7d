import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { joinCluster } from '../../persistence/pg-membership.ts'

/** A process that is in the cluster until it is killed: run by pg-membership.spec.ts. */
const [dsn = '', leaseMs = ''] = process.argv.slice(2)
const membership = await joinCluster({
  dsn,
  name: 'child',
  roles: ['session'],
  weight: 1,
  url: 'http://127.0.0.1:1',
  leaseMs: Number(leaseMs),
  slots: 128,
  clock: systemClock,
  ids: systemIds,
  log: silentLogger,
})
process.stdout.write(`${membership.nodeId}\n`)
setInterval(() => membership.renew({ state: 'ready', detail: {} }).catch(() => {}), 100)
