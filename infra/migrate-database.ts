import type { Config } from './config/config.ts'
import { openJournal } from './open-journal.ts'
import { createLogger } from './telemetry/logger.ts'

/** `soma migrate`: opening the journal migrates it, as a start does. Returns the newest migration's name. */
export async function migrateDatabase(config: Config): Promise<string> {
  const opened = await openJournal(config, createLogger({ ...config.logs, secrets: config.secrets, to: 'stderr' }))
  try {
    const newest = 'select name from schema_migrations order by number desc limit 1'
    const rows = await opened.sql.query<{ name: string }>(newest)
    return rows[0]?.name ?? 'none'
  } finally {
    await opened.close()
  }
}
