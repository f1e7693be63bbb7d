import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { openPersistence, type Persistence, type PersistenceOptions } from '../../persistence/open.ts'
import { openInMemory } from '../../persistence/open-in-memory.ts'
import { ensureTemplate } from '../../persistence/pglite-files.ts'
import { openSpread } from '../../persistence/spread/open-spread.ts'
import { describeWith, freshDatabase } from './test-services.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pglite = join(root, 'node_modules', '@electric-sql', 'pglite', 'package.json')
const { version } = JSON.parse(readFileSync(pglite, 'utf8')) as { version: string }

/** The empty database that PGlite specs copy: made once per machine, then 0.2 s instead of 4. */
export const template = join(root, 'node_modules', '.cache', 'somaagent', `pglite-${version}`)

export const common = {
  migrationsDir: join(root, 'persistence', 'migrations'),
  template,
  clock: systemClock,
  ids: systemIds,
  log: silentLogger,
} satisfies PersistenceOptions

export type Stores = Omit<Persistence, 'sql' | 'everywhere'>

/** Runs a suite on each implementation; `stores` is there once the hooks of its `describe` ran. */
export function onEveryStore(suite: (stores: () => Stores) => void): void {
  describe('in memory', () => {
    let stores: Stores
    before(() => {
      stores = openInMemory(systemIds, systemClock)
    })
    suite(() => stores)
  })
  onEveryDatabase(suite)
  onTwoServers(suite)
}

export function onEveryDatabase(suite: (stores: () => Persistence) => void): void {
  describe('on PGlite', () => {
    let stores: Persistence
    let dataDir: string
    before(async function () {
      this.timeout(120_000)
      dataDir = await freshDataDir()
      stores = await openPersistence({ ...common, dataDir })
    })
    after(async () => {
      await stores.close()
      await rm(dataDir, { recursive: true, force: true })
    })
    suite(() => stores)
  })
  describeWith('postgres', 'on Postgres', (dsn) => {
    let stores: Persistence
    let database: Awaited<ReturnType<typeof freshDatabase>>
    before(async () => {
      database = await freshDatabase(dsn)
      stores = await openPersistence({ ...common, postgresDsn: database.dsn })
    })
    after(async () => {
      await stores.close()
      await database.drop()
    })
    suite(() => stores)
  })
}

export function onTwoServers(suite: (stores: () => Persistence) => void): void {
  describeWith('postgres', 'on two Postgres servers', (dsn) => {
    let stores: Persistence
    let spread: Awaited<ReturnType<typeof freshSpread>>
    before(async () => {
      spread = await freshSpread(dsn)
      stores = await spread.open()
    })
    after(async () => {
      await stores.close()
      await spread.drop()
    })
    suite(() => stores)
  })
}

/** Shards of either server lie between those of the other, so that little goes right by accident. */
export const halves = [0, 1].map((half) => Array.from({ length: 32 }, (_, i) => 2 * i + half))

/** Databases of their own on two servers, or on one when a second is not given. */
export async function freshSpread(dsn: string) {
  const databases = [await freshDatabase(dsn), await freshDatabase(process.env.SOMA_TEST_POSTGRES_DSN_2 || dsn)]
  const places = databases.map((database, i) => ({ dsn: database.dsn, shards: halves[i] ?? [] }))
  const [first] = places
  return {
    places,
    open: (spread = places, postgresDsn = first?.dsn ?? '') => openSpread({ ...common, postgresDsn }, spread),
    drop: () => Promise.all(databases.map((database) => database.drop())),
  }
}

/** Lays that empty database into a data directory, as the first start would have made it: for specs of what comes after. */
export async function layDatabase(dataDir: string): Promise<void> {
  await ensureTemplate(template, systemClock, silentLogger)
  await cp(template, join(dataDir, 'pg'), { recursive: true })
}

export async function freshDataDir(): Promise<string> {
  await ensureTemplate(template, systemClock, silentLogger)
  return mkdtemp(join(tmpdir(), 'soma-spec-'))
}
