import type { BatchObserver } from '../actors/kernel/batcher.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { DeadLetters, Quarantine } from '../actors/kernel/dead-letters.ts'
import { Failure, isFailure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Attachments } from './attachments.ts'
import { DataDir, unusable } from './data-dir.ts'
import { asDatabaseFailure } from './database-failure.ts'
import type { DrillReports } from './drill-reports.ts'
import type { Epochs } from './epochs.ts'
import type { IdempotencyKeys, Journal, SessionRecords, Usage } from './journal.ts'
import type { LogOffsets } from './log-offsets.ts'
import type { MailboxRows } from './mailbox-rows.ts'
import { migrate } from './migrate.ts'
import { ensureDatabase } from './pglite-files.ts'
import { PgliteSql } from './pglite-sql.ts'
import { EVERY_SHARD, place } from './placement.ts'
import type { RequeuedCalls } from './requeued-calls.ts'
import type { Sql } from './sql.ts'
import { SqlAttachments } from './sql-attachments.ts'
import { SqlDeadLetters } from './sql-dead-letters.ts'
import { SqlDrillReports } from './sql-drill-reports.ts'
import { SqlEpochs } from './sql-epochs.ts'
import { SqlIdempotencyKeys } from './sql-idempotency-keys.ts'
import { SqlJournal } from './sql-journal.ts'
import { SqlLogOffsets } from './sql-log-offsets.ts'
import { SqlMailboxRows } from './sql-mailbox-rows.ts'
import { SqlQuarantine } from './sql-quarantine.ts'
import { SqlRequeuedCalls } from './sql-requeued-calls.ts'
import { SqlSessionRecords } from './sql-session-records.ts'
import { SqlToolSwitches } from './sql-tool-switches.ts'
import { SqlUsage } from './sql-usage.ts'
import type { ToolSwitches } from './tool-switches.ts'

export interface PersistenceOptions {
  /** The embedded profile: PGlite in this directory. Exactly one of dataDir and postgresDsn is given. */
  readonly dataDir?: string
  readonly postgresDsn?: string
  /** Those this server keeps when the journal is spread over several (spread/open-spread.ts); every shard without it. */
  readonly shards?: string
  /** Connections to Postgres (PG_POOL_MIN_SIZE, PG_POOL_MAX_SIZE). */
  readonly pool?: { readonly min?: number; readonly max?: number }
  /** persistence/migrations of the package. */
  readonly migrationsDir: string
  /** A directory made by ensureTemplate (pglite-files.ts), if it exists: without it the first start runs initdb (2-4 s). */
  readonly template?: string
  /**
   * Embedded only. Off: what was acknowledged survives the death of the process, kill -9 included, but not the loss of
   * power. On: that too, for the time of one disk sync per commit (0.9 ms where it was measured, shared by the batch).
   */
  readonly fsync?: boolean
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

export interface Persistence {
  readonly sql: Sql
  /** The same but where the journal is spread over several databases: then it asks each, and gives the rows of all. */
  readonly everywhere: Sql
  readonly journal: Journal
  readonly epochs: Epochs
  readonly records: SessionRecords
  readonly usage: Usage
  readonly idempotency: IdempotencyKeys
  readonly deadLetters: DeadLetters
  readonly quarantine: Quarantine
  readonly mailboxRows: MailboxRows
  readonly logOffsets: LogOffsets
  /** Of the journal's commits, from now on. */
  observeAppends(observer: BatchObserver): void
  readonly drills: DrillReports
  readonly toolSwitches: ToolSwitches
  readonly requeued: RequeuedCalls
  readonly attachments: Attachments
  /** Waits for writes in flight, then lets go of the database and the data directory. */
  close(): Promise<void>
}

/** Rejects with DATA_DIR_IN_USE, DATA_DIR_UNUSABLE, JOURNAL_UNAVAILABLE, SCHEMA_TOO_NEW or CONFIG_INVALID. */
export async function openPersistence(options: PersistenceOptions): Promise<Persistence> {
  const database = await openDatabase(options)
  const { sql } = database
  try {
    const applied = await migrate(sql, options.migrationsDir)
    if (applied.length > 0) options.log.info({ applied, database: sql.dialect }, 'the database was migrated')
    await place(sql, options.shards ?? EVERY_SHARD)
  } catch (error) {
    await database.close()
    throw asDatabaseFailure(error)
  }
  const journal = new SqlJournal(sql)
  const records = new SqlSessionRecords(sql)
  const idempotency = new SqlIdempotencyKeys(sql)
  const mailboxRows = new SqlMailboxRows(sql)
  return {
    sql,
    everywhere: sql,
    journal,
    epochs: new SqlEpochs(sql),
    records,
    usage: new SqlUsage(sql),
    idempotency,
    deadLetters: new SqlDeadLetters(sql, options.ids),
    quarantine: new SqlQuarantine(sql),
    mailboxRows,
    logOffsets: new SqlLogOffsets(sql),
    observeAppends: (observer) => journal.observeAppends(observer),
    drills: new SqlDrillReports(sql),
    toolSwitches: new SqlToolSwitches(sql),
    requeued: new SqlRequeuedCalls(sql),
    attachments: new SqlAttachments(sql, options.ids, options.clock),
    async close() {
      await Promise.all([journal.idle(), records.idle(), idempotency.idle(), mailboxRows.idle()])
      await database.close()
    },
  }
}

async function openDatabase(options: PersistenceOptions): Promise<{ sql: Sql; close(): Promise<void> }> {
  const { dataDir, postgresDsn, pool, log } = options
  if ((dataDir === undefined) === (postgresDsn === undefined)) {
    throw new Failure('CONFIG_INVALID', 'give either a data directory or a POSTGRES_DSN')
  }
  if (postgresDsn !== undefined) {
    // Loaded only where it is used: 40 ms of a start.
    const { PgSql } = await import('./pg-sql.ts')
    const sql = new PgSql({ dsn: postgresDsn, ...pool }, log)
    return { sql, close: () => sql.close() }
  }
  const directory = await DataDir.open(dataDir as string)
  try {
    await ensureDatabase(directory, options)
    const sql = await PgliteSql.open(directory.database, options.clock, log, { fsync: options.fsync })
    return {
      sql,
      async close() {
        await sql.close()
        await directory.close()
      },
    }
  } catch (error) {
    await directory.close()
    throw isFailure(error, 'JOURNAL_UNAVAILABLE') || !isFailure(error) ? unusable(directory.path, error) : error
  }
}
