import path from 'node:path'
import type { Logger } from '../actors/kernel/telemetry.ts'
import { openPersistence, type Persistence } from '../persistence/open.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import type { Config } from './config.ts'
import { packageRoot } from './package-root.ts'

export function openJournal({ persistence }: Config, log: Logger): Promise<Persistence> {
  const { dataDir, fsync, postgresDsn, postgresPoolSize } = persistence
  const where = postgresDsn === undefined ? { dataDir, fsync } : { postgresDsn, pool: { max: postgresPoolSize } }
  return openPersistence({ ...where, migrationsDir: path.join(packageRoot, 'persistence/migrations'), clock, ids, log })
}
