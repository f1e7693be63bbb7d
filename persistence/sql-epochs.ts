import type { ActorKind } from '../actors/kernel/address.ts'
import { rowsOf } from './database-failure.ts'
import type { Epochs, ShardLease } from './epochs.ts'
import type { Sql } from './sql.ts'

export class SqlEpochs implements Epochs {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
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

  takeOver(nodeId: string, seen: readonly ShardLease[]): Promise<ShardLease[]> {
    // The row's lock decides between two nodes: the second waits, sees the epoch of the first, and updates nothing (E2).
    return rowsOf<ShardLease>(
      this.sql,
      `insert into shards (kind, shard, owner, epoch)
       select s.kind, s.shard, $1, s.epoch + 1 from unnest($2::text[], $3::int[], $4::bigint[]) as s(kind, shard, epoch)
       order by s.kind, s.shard
       on conflict (kind, shard) do update set owner = excluded.owner, epoch = excluded.epoch
         where shards.epoch = excluded.epoch - 1
       returning kind, shard, owner, epoch::float8 as epoch`,
      [nodeId, ...columnsOf(seen)],
    )
  }

  async release(leases: readonly ShardLease[]): Promise<void> {
    await rowsOf(
      this.sql,
      `update shards s set owner = '' from unnest($1::text[], $2::int[], $3::bigint[]) as r(kind, shard, epoch)
       where s.kind = r.kind and s.shard = r.shard and s.epoch = r.epoch`,
      columnsOf(leases),
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

function columnsOf(leases: readonly ShardLease[]): unknown[][] {
  return [leases.map(({ kind }) => kind), leases.map(({ shard }) => shard), leases.map(({ epoch }) => epoch)]
}
