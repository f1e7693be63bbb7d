import { address, shardOf } from '../../actors/kernel/address.ts'
import { systemIds } from '../../infra/clock.ts'
import type { BenchCluster } from './bench-cluster.ts'

/** New session ids that fall on these shards, so many on each. */
export function idsOn(shards: readonly number[], each: number): Map<number, string[]> {
  const found = new Map(shards.map((shard) => [shard, [] as string[]]))
  for (let open = shards.length; open > 0; ) {
    const id = systemIds.uuid()
    const ids = found.get(shardOf(address('session', id)))
    if (ids === undefined || ids.length === each) continue
    ids.push(id)
    if (ids.length === each) open--
  }
  return found
}

/**
 * Sessions written straight into the journal, copies of one that had a turn: a hundred thousand turns would take minutes.
 * A resting one has all of its events, an unfinished one has its message accepted and nothing of the answer.
 */
export async function seed(
  cluster: BenchCluster,
  template: string,
  shard: number,
  ids: readonly string[],
  unfinished: boolean,
): Promise<void> {
  const from = address('session', template)
  const values = [ids, from, template, unfinished]
  const upTo = `(select case when $4::boolean then min(seq) else max(seq) end from
    (select envelope_id, max(seq) as seq from events where address = $2 group by 1) as append)`
  await cluster.query(
    `insert into events (address, seq, envelope_id, kind, version, at, data)
     select 'session:' || id, seq, envelope_id, kind, version, at, replace(data::text, $3, id)::jsonb
     from events, unnest($1::text[]) as id where address = $2 and seq <= ${upTo}`,
    values,
  )
  await cluster.query(
    `insert into session_envelopes (session_id, tenant, created_at, updated_at, persona_id, subject, issuer, scope, title, state)
     select id::uuid, tenant, created_at, updated_at, persona_id, subject, issuer, scope, title, state
     from session_envelopes, unnest($1::text[]) as id where session_id = $2::uuid`,
    [ids, template],
  )
  await cluster.query(
    `insert into actors (address, kind, shard, seq, unfinished)
     select 'session:' || id, 'session', $5::int, ${upTo}, $4::boolean from unnest($1::text[]) as id where $3 <> ''`,
    [...values, shard],
  )
}
