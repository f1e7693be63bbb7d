import path from 'node:path'
import type { Logger } from '../actors/kernel/telemetry.ts'
import { openPersistence, type Persistence } from '../persistence/open.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import type { Config } from './config/config.ts'
import { packageRoot } from './package-root.ts'

export async function openJournal({ persistence }: Config, log: Logger): Promise<Persistence> {
  const { dataDir, fsync, postgresDsn, postgresPoolSize, journals } = persistence
  const options = { migrationsDir: path.join(packageRoot, 'persistence/migrations'), clock, ids, log }
  if (postgresDsn === undefined) return openPersistence({ ...options, dataDir, fsync })
  const server = { ...options, postgresDsn, pool: { max: postgresPoolSize } }
  if (journals === undefined) return openPersistence(server)
  const { openSpread } = await import('../persistence/spread/open-spread.ts')
  return openSpread(server, journals)
}
