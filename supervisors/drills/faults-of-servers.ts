import { setTimeout as pause } from 'node:timers/promises'
import { killOne } from './faults-of-processes.ts'
import type { StackServers } from './stack-servers.ts'
import type { World } from './world.ts'

const BROKER_GONE_MS = 5_000

function serversOf(world: World): StackServers {
  const { servers } = world.own
  if (!servers) throw new Error('this drill stops servers, and these are not those of `npm run stack`')
  return servers
}

/** A broker of three dies and comes back: its partitions get other leaders. */
export async function killBroker(world: World): Promise<void> {
  const servers = serversOf(world)
  if (servers.brokers.length < 3) throw new Error('this drill needs three brokers: npm run stack -- --brokers 3')
  await world.times(async () => {
    const broker = world.chance.pick(servers.brokers)
    world.fault('kill', broker, world.allSessions)
    await servers.do('kill', broker)
    const settled = world.settled()
    await pause(BROKER_GONE_MS)
    // A busy machine may take longer than the stack waits; the broker comes up all the same.
    await servers.do('start', broker).catch(() => servers.do('start', broker))
    await settled
  })
}

export async function restartPostgres(world: World): Promise<void> {
  await world.times(async () => {
    world.fault('restart', 'postgres', world.allSessions)
    await serversOf(world).do('restart', 'postgres')
    await world.settled()
  })
}

/** I6: emptied under load, and emptied just before a takeover that would have used it. */
export async function flushRedis(world: World): Promise<void> {
  await world.times(async () => {
    world.fault('flush', 'redis', new Set())
    await world.own.flushRedis()
    await world.settled()
    await world.own.flushRedis()
    await killOne(world, world.chance.pick(world.target.nodes))
  })
}

/** The journal on two servers: one is restarted, and only the shards that it keeps notice. */
export async function journalTwo(world: World): Promise<void> {
  const servers = serversOf(world)
  await world.times(async () => {
    world.fault('restart', 'postgres-2', world.allSessions)
    await servers.do('restart', 'postgres-2')
    await world.settled()
  })
}
