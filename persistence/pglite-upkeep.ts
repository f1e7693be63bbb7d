import type { PGlite } from '@electric-sql/pglite'
import type { PreparedStatements } from './pglite-statements.ts'

const LOOK_EVERY = 200
const VACUUM_AFTER = 8 * 1024 * 1024
const CHECKPOINT_AFTER = 16 * 1024 * 1024

/**
 * What Postgres' background processes do and PGlite, a single process, does not. Measured without it: the write-ahead log
 * grew to 1.2 GB without one checkpoint (and all of it is replayed after a kill), and 128,000 rows that went through the
 * mailbox table made the next 25,000 six times slower (vacuumed: as fast as the first). The log's growth is the measure of
 * work done, so an idle database is left alone.
 */
export class PgliteUpkeep {
  private readonly database: PGlite
  private readonly statements: PreparedStatements
  private sinceLook = 0
  private vacuumedAt = 0

  constructor(database: PGlite, statements: PreparedStatements) {
    this.database = database
    this.statements = statements
  }

  async afterStatement(): Promise<void> {
    if (++this.sinceLook < LOOK_EVERY) return
    this.sinceLook = 0
    const [log] = await this.statements.query(
      `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as written,
         pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as unsaved,
         pg_relation_size('memories') > 0 as remembers from pg_control_checkpoint()`,
      [],
    )
    const { written, unsaved, remembers } = log as { written: number; unsaved: number; remembers: boolean }
    if (this.vacuumedAt === 0) this.vacuumedAt = written
    if (written - this.vacuumedAt > VACUUM_AFTER) {
      await this.database.exec('vacuum mailbox; vacuum outbox; vacuum offsets')
      this.vacuumedAt = written
    }
    if (unsaved > CHECKPOINT_AFTER) {
      await this.database.exec('vacuum actors; vacuum session_envelopes; vacuum usage; vacuum nodes')
      // What was forgotten leaves the pages only so. Without memories no event is ever rewritten, and a look at the new ones
      // (50 ms for 15,000 appends) would be for nothing.
      if (remembers) await this.database.exec('vacuum events; vacuum memories')
      await this.database.exec('checkpoint')
    }
  }
}
