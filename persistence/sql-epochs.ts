import type { ActorKind } from '../actors/kernel/address.ts'
import { rowsOf } from './database-failure.ts'
import type { Epochs, ShardLease } from './epochs.ts'
import type { Sql } from './sql.ts'
import { toStoredJson } from './stored-json.ts'

export class SqlEpochs implements Epochs {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async heartbeat(nodeId: string, expiresAt: number, detail: Readonly<Record<string, unknown>>): Promise<void> {
    await rowsOf(
      this.sql,
      `insert into nodes (id, expires_at, detail) values ($1, to_timestamp($2::float8 / 1000), $3::jsonb)
       on conflict (id) do update set expires_at = excluded.expires_at, detail = excluded.detail`,
      [nodeId, expiresAt, toStoredJson(detail)],
    )
  }

  claim(nodeId: string, kind: ActorKind, shards: readonly number[]): Promise<ShardLease[]> {
    // The update waits for the share locks of appends in flight. Rows are taken in the order in which appends take them.
    return rowsOf<ShardLease>(
      this.sql,
      `with wanted as (
         select distinct w.shard from unnest($3::int[]) as w(shard)
       ), held as materialized (
         select s.shard from shards s where s.kind = $2 and s.shard in (select shard from wanted)
         order by s.kind, s.shard for update
       ), claimed as (
         insert into shards (kind, shard, owner, epoch)
         select $2, w.shard, $1, 1 from wanted w left join held using (shard) order by w.shard
         on conflict (kind, shard) do update set owner = excluded.owner, epoch = shards.epoch + 1
         returning kind, shard, owner, epoch::float8 as epoch
       )
       select * from claimed order by shard`,
      [nodeId, kind, shards],
    )
  }

  list(kind: ActorKind): Promise<ShardLease[]> {
    return rowsOf<ShardLease>(
      this.sql,
      'select kind, shard, owner, epoch::float8 as epoch from shards where kind = $1 order by shard',
      [kind],
    )
  }
}
