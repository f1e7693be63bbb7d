import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { DeadLetters, Quarantine } from '../actors/kernel/dead-letters.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Epochs } from './epochs.ts'
import type { IdempotencyKeys, Journal, SessionRecords, Usage } from './journal.ts'
import type { MailboxRows } from './mailbox-rows.ts'
import type { Sql } from './sql.ts'

export interface PersistenceOptions {
  /** The embedded profile: PGlite in this directory. Exactly one of dataDir and postgresDsn is given. */
  readonly dataDir?: string
  readonly postgresDsn?: string
  /** Connections to Postgres (PG_POOL_MIN_SIZE, PG_POOL_MAX_SIZE). */
  readonly pool?: { readonly min?: number; readonly max?: number }
  /** persistence/migrations of the package. */
  readonly migrationsDir: string
  /** A template of an empty database made by pglite-template.ts; without it the first start runs initdb (4 s). */
  readonly template?: string
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

export interface Persistence {
  readonly sql: Sql
  readonly journal: Journal
  readonly epochs: Epochs
  readonly records: SessionRecords
  readonly usage: Usage
  readonly idempotency: IdempotencyKeys
  readonly deadLetters: DeadLetters
  readonly quarantine: Quarantine
  readonly mailboxRows: MailboxRows
  /** Waits for writes in flight, then lets go of the database and the data directory. */
  close(): Promise<void>
}

/** Rejects with DATA_DIR_IN_USE, DATA_DIR_UNUSABLE, JOURNAL_UNAVAILABLE, SCHEMA_TOO_NEW or CONFIG_INVALID. */
export async function openPersistence(_options: PersistenceOptions): Promise<Persistence> {
  throw new Error('being written')
}
