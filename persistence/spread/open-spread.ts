import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { asDatabaseFailure } from '../database-failure.ts'
import { openPersistence, type Persistence, type PersistenceOptions } from '../open.ts'
import { NO_SHARD } from '../placement.ts'
import type { Sql } from '../sql.ts'
import { SqlDrillReports } from '../sql-drill-reports.ts'
import { SqlToolSwitches } from '../sql-tool-switches.ts'
import { type JournalPlace, rangesOf, ShardMap } from './shard-map.ts'
import { SpreadAttachments } from './spread-attachments.ts'
import { orderedIds, SpreadDeadLetters, SpreadQuarantine } from './spread-dead-letters.ts'
import { SpreadEpochs } from './spread-epochs.ts'
import { SpreadJournal } from './spread-journal.ts'
import { SpreadLogOffsets } from './spread-log-offsets.ts'
import { SpreadMailboxRows } from './spread-mailbox-rows.ts'
import { SpreadRequeuedCalls } from './spread-requeued-calls.ts'
import { SpreadSessionRecords } from './spread-session-records.ts'
import { SpreadUsage } from './spread-usage.ts'

/** One server of several, with what it keeps. */
export interface JournalServer extends Persistence, JournalPlace {
  readonly name: string
}

/**
 * A journal spread over several Postgres servers by shard, as one Persistence: nothing beyond persistence/ knows of it.
 * What belongs to no shard (membership, drills, tool switches) is on the server of POSTGRES_DSN, which may be one of them.
 */
export async function openSpread(
  options: Omit<PersistenceOptions, 'dataDir' | 'shards'> & { readonly postgresDsn: string },
  places: readonly JournalPlace[],
): Promise<Persistence> {
  const { clock, postgresDsn } = options
  const ids = orderedIds(clock, options.ids)
  const opened: Persistence[] = []
  const open = async (dsn: string, shards: string) => {
    const persistence = await openPersistence({ ...options, ids, postgresDsn: dsn, shards })
    opened.push(persistence)
    return persistence
  }
  try {
    const outcomes = await Promise.allSettled(
      places.map(async (place): Promise<JournalServer> => {
        const name = nameOf(place.dsn)
        try {
          return { ...(await open(place.dsn, rangesOf(place.shards))), ...place, name }
        } catch (error) {
          throw named(name, error)
        }
      }),
    )
    const servers = outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    })
    const coordination = servers.find(({ dsn }) => dsn === postgresDsn)?.sql ?? (await open(postgresDsn, NO_SHARD)).sql
    return spreadOver(servers, coordination, options, async () => {
      await Promise.all(opened.map((persistence) => persistence.close()))
    })
  } catch (error) {
    await Promise.all(opened.map((persistence) => persistence.close()))
    throw error
  }
}

function spreadOver(
  servers: readonly JournalServer[],
  coordination: Sql,
  { clock, log }: { clock: Clock; log: PersistenceOptions['log'] },
  close: () => Promise<void>,
): Persistence {
  const map = new ShardMap(servers)
  return {
    sql: coordination,
    everywhere: everywhere(servers),
    journal: new SpreadJournal(map),
    epochs: new SpreadEpochs(map, clock, log),
    records: new SpreadSessionRecords(map),
    usage: new SpreadUsage(servers, clock, log),
    idempotency: {
      remember: (entry) => map.of(`key:${entry.tenant}/${entry.key}`).idempotency.remember(entry),
    },
    deadLetters: new SpreadDeadLetters(map),
    quarantine: new SpreadQuarantine(map),
    mailboxRows: new SpreadMailboxRows(map),
    logOffsets: new SpreadLogOffsets(map),
    drills: new SqlDrillReports(coordination),
    toolSwitches: new SqlToolSwitches(coordination),
    requeued: new SpreadRequeuedCalls(map),
    attachments: new SpreadAttachments(map),
    observeAppends(observer) {
      for (const server of servers) server.observeAppends(observer)
    },
    close,
  }
}

/** Every statement on each of them: rows of all, and the failure of any, with its name. */
function everywhere(servers: readonly JournalServer[]): Sql {
  const onEach = <Answer>(ask: (sql: Sql) => Promise<Answer>) =>
    Promise.all(
      servers.map(({ name, sql }) =>
        ask(sql).catch((error) => {
          throw named(name, error)
        }),
      ),
    )
  return {
    dialect: 'postgres',
    async query<Row>(text: string, params?: readonly unknown[]) {
      return (await onEach((sql) => sql.query<Row>(text, params))).flat()
    },
    async exec(script) {
      await onEach((sql) => sql.exec(script))
    },
    async close() {},
  }
}

/** What a person may read of an address: without its password. */
function nameOf(dsn: string): string {
  const { host, pathname } = new URL(dsn)
  return `${host}${pathname}`
}

function named(name: string, error: unknown): Error {
  const failure = asDatabaseFailure(error)
  if (failure.detail.includes(name)) return failure
  const { code, retryAfter } = failure
  return new Failure(code, `${name}: ${failure.detail}`, {
    cause: failure,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}
