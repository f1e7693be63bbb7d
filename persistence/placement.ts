import { Failure } from '../actors/kernel/failure.ts'
import { rowsOf } from './database-failure.ts'
import type { Sql } from './sql.ts'

/** Keeps every shard: the only database there is. */
export const EVERY_SHARD = ''
/** Keeps membership and drills, while the journal is elsewhere. */
export const NO_SHARD = 'none'

/**
 * A database remembers which shards it keeps, so that a changed map is refused at the start. Else sessions would begin
 * anew on another server, while their past lies where nobody looks.
 */
export async function place(sql: Sql, shards: string): Promise<void> {
  if (shards !== EVERY_SHARD) await rowsOf(sql, settle, [shards])
  const [row] = await rowsOf<{ shards: string }>(sql, 'select shards from placement', [])
  const kept = row?.shards ?? EVERY_SHARD
  if (kept === shards) return
  throw new Failure(
    'CONFIG_INVALID',
    `the database keeps ${wordsFor(kept)}, but ${shards === EVERY_SHARD ? 'SOMA_JOURNALS is not set, which gives it every shard' : `the configuration gives it ${wordsFor(shards)}`}. ${
      kept === EVERY_SHARD
        ? 'Give SOMA_JOURNALS databases that hold no sessions yet.'
        : 'Set SOMA_JOURNALS as it was; to move shards, move their rows first and then change its table placement.'
    }`,
  )
}

function wordsFor(shards: string): string {
  if (shards === EVERY_SHARD) return 'every shard'
  return shards === NO_SHARD ? 'no shard' : `shards ${shards}`
}

// Only an empty database takes a part: sessions that were born but never spoke have no row that tells their shard.
const settle = `insert into placement (shards)
  select $1 where not exists (select from actors) and not exists (select from session_envelopes)
  on conflict (one) do nothing`
