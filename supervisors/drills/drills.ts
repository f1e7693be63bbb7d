import {
  cutNode,
  freezeNode,
  freezeOne,
  killGateway,
  killNode,
  killOne,
  REVIVE_SOON_MS,
  rollingRestart,
} from './faults-of-processes.ts'
import { flushRedis, journalTwo, killBroker, restartPostgres } from './faults-of-servers.ts'
import { fillMailbox, hangModel, poisonSession } from './faults-of-sessions.ts'
import type { World } from './world.ts'

/** Every failover drill, as data. */
export interface Drill {
  readonly what: string
  /**
   * running: works on any cluster, by its gateways alone. own: needs the processes. cuttable: needs the proxies before one
   * of them. stack: stops servers of `npm run stack`. journals: two Postgres servers.
   */
  readonly needs: 'running' | 'own' | 'cuttable' | 'stack' | 'journals'
  /** Limit of the p99 of recovery; undefined where nothing is gone. */
  readonly recoveryMs: number | undefined
  readonly faults: (world: World) => Promise<void>
}

export const drills = {
  'kill-node': {
    what: 'kill -9 of a node: the others take its shards over',
    needs: 'running',
    recoveryMs: 3_000,
    faults: killNode,
  },
  'freeze-node': {
    what: 'a node is stopped for longer than its lease and goes on: the zombie writes nothing',
    needs: 'running',
    recoveryMs: 4_000,
    faults: freezeNode,
  },
  'kill-gateway': {
    what: 'kill -9 of a gateway: clients go on through another, streams by cursor',
    needs: 'running',
    recoveryMs: 3_000,
    faults: killGateway,
  },
  'kill-broker': {
    what: 'a Kafka broker of three dies and comes back',
    needs: 'stack',
    recoveryMs: 15_000,
    faults: killBroker,
  },
  'cut-kafka': {
    what: 'one node cannot reach Kafka; the others can',
    needs: 'cuttable',
    recoveryMs: 10_000,
    faults: cutNode('kafka'),
  },
  'cut-postgres': {
    what: 'one node cannot reach Postgres; the others can',
    needs: 'cuttable',
    recoveryMs: 4_000,
    faults: cutNode('postgres'),
  },
  'flush-redis': {
    what: 'Redis is emptied under load, and before a takeover',
    needs: 'own',
    recoveryMs: 3_000,
    faults: flushRedis,
  },
  'restart-postgres': {
    what: 'Postgres is stopped and started under load',
    needs: 'stack',
    recoveryMs: 15_000,
    faults: restartPostgres,
  },
  'fill-mailbox': {
    what: 'one session gets more messages than it can take',
    needs: 'running',
    recoveryMs: undefined,
    faults: fillMailbox,
  },
  'poison-session': {
    what: 'the journal of one session cannot be read by its next owner',
    needs: 'own',
    recoveryMs: 3_000,
    faults: poisonSession,
  },
  'hang-model': {
    what: 'the model of one session never answers',
    needs: 'own',
    recoveryMs: undefined,
    faults: hangModel,
  },
  'rolling-restart': {
    what: 'every process is stopped and started, one after another',
    needs: 'own',
    recoveryMs: 3_000,
    faults: rollingRestart,
  },
  'journal-two': {
    what: 'the journal on two Postgres servers, one of which is restarted',
    needs: 'journals',
    recoveryMs: 15_000,
    faults: journalTwo,
  },
  long: {
    what: 'kills and freezes of random nodes mixed, --faults of them (1,000 is the long form); not part of `all`',
    needs: 'running',
    recoveryMs: 4_000,
    faults: killsAndFreezes,
  },
} as const satisfies Readonly<Record<string, Drill>>

export type DrillName = keyof typeof drills

export const drillNames = Object.keys(drills) as readonly DrillName[]

/** What `soma drill all` runs. */
export const allDrills: readonly DrillName[] = drillNames.filter((name) => name !== 'long')

/** Those that work on any cluster, by its gateways alone. */
export const runnableDrills = drillNames
  .filter((name) => drills[name].needs === 'running')
  .map((name) => ({ name, what: drills[name].what }))

export function drillOf(name: DrillName): Drill {
  return drills[name]
}

/**
 * Of the freezes in the mix, some are shorter than a lease: the node keeps its shards, and nobody may think otherwise. With
 * four nodes and more, two are hit at once.
 */
async function killsAndFreezes(world: World): Promise<void> {
  const { chance, target, repeat } = world
  const atOnce = target.nodes.length >= 4 ? 2 : 1
  const hit = (node: string) =>
    chance.next() < 0.7 ? killOne(world, node, REVIVE_SOON_MS) : freezeOne(world, node, chance.between(500, 5_000))
  await world.times(
    async () => {
      await Promise.all(chance.shuffled(target.nodes).slice(0, atOnce).map(hit))
    },
    Math.ceil(repeat / atOnce),
  )
}
