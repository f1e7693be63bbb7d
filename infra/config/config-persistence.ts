import { SHARDS_PER_KIND } from '../../actors/kernel/address.ts'
import { type JournalPlace, rangesOf } from '../../persistence/spread/shard-map.ts'
import type { Values } from './config-variables.ts'

export interface PersistenceConfig {
  readonly dataDir: string
  /** Of the embedded database; a Postgres server has its own setting. */
  readonly fsync: boolean
  readonly postgresDsn: string | undefined
  /** Several servers, each with its shards; undefined when one keeps them all. */
  readonly journals: readonly JournalPlace[] | undefined
  readonly postgresPoolSize: number
  readonly redisUrl: string | undefined
  readonly snapshotTtlSeconds: number
}

export function persistenceOf(v: Values, dataDir: string): PersistenceConfig {
  return {
    dataDir,
    fsync: v.SOMA_FSYNC,
    postgresDsn: v.POSTGRES_DSN,
    journals: v.SOMA_JOURNALS.length === 0 ? undefined : placesOf(v.SOMA_JOURNALS).places,
    postgresPoolSize: v.PG_POOL_MAX_SIZE,
    redisUrl: v.REDIS_URL,
    snapshotTtlSeconds: v.SESSION_CACHE_TTL_SECONDS,
  }
}

/** What is wrong with SOMA_JOURNALS. Never an entry itself: it holds a password. */
export function journalProblems(v: Values): { path: string; message: string }[] {
  if (v.SOMA_JOURNALS.length === 0) return []
  const { places, unreadable } = placesOf(v.SOMA_JOURNALS)
  const placed = places.flatMap(({ shards }) => shards)
  const missing = everyShard.filter((shard) => !placed.includes(shard))
  const doubled = placed.filter((shard, i) => placed.indexOf(shard) !== i)
  const found = [
    ...(unreadable.length > 0
      ? [
          `has entries that are not like 0-31=postgres://host/database, with shards below ${SHARDS_PER_KIND}: number ${unreadable.join(', ')}`,
        ]
      : []),
    ...(unreadable.length === 0 && missing.length > 0 ? [`has no server for shards ${rangesOf(missing)}`] : []),
    ...(doubled.length > 0 ? [`has more than one server for shards ${rangesOf(doubled)}`] : []),
    ...(v.POSTGRES_DSN === undefined
      ? ['is set, but POSTGRES_DSN is not: membership needs one server, which may be the first of these']
      : []),
  ]
  return found.map((message) => ({ path: 'SOMA_JOURNALS', message }))
}

const everyShard = Array.from({ length: SHARDS_PER_KIND }, (_, shard) => shard)

/** One place per server, however many ranges it has. Unreadable entries by their number, from 1. */
function placesOf(entries: readonly string[]): { places: JournalPlace[]; unreadable: number[] } {
  const byServer = new Map<string, number[]>()
  const unreadable: number[] = []
  entries.forEach((entry, i) => {
    const [, from = '', to = from, dsn = ''] = /^(\d{1,4})(?:-(\d{1,4}))?=(postgres(?:ql)?:\/\/.+)$/.exec(entry) ?? []
    const shards = everyShard.filter((shard) => shard >= Number(from) && shard <= Number(to))
    if (!URL.canParse(dsn) || shards.length === 0 || shards.length !== Number(to) - Number(from) + 1) {
      unreadable.push(i + 1)
    } else {
      byServer.set(dsn, [...(byServer.get(dsn) ?? []), ...shards])
    }
  })
  return { places: [...byServer].map(([dsn, shards]) => ({ dsn, shards })), unreadable }
}
