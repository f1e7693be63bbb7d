import { rowsOf } from './database-failure.ts'
import type { LogOffsets, LogPartition, LogWatermark } from './log-offsets.ts'
import type { Sql } from './sql.ts'

export class SqlLogOffsets implements LogOffsets {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async load(partitions: readonly LogPartition[]): Promise<(number | undefined)[]> {
    const rows = await rowsOf<{ ord: number; watermark: number }>(
      this.sql,
      `select p.ord::int as ord, o.watermark::float8 as watermark
       from unnest($1::text[], $2::int[]) with ordinality as p(topic, partition, ord)
       join log_offsets o using (topic, partition)`,
      [partitions.map(({ topic }) => topic), partitions.map(({ partition }) => partition)],
    )
    const watermarks = new Map(rows.map((row) => [row.ord, row.watermark]))
    return partitions.map((_, i) => watermarks.get(i + 1))
  }

  async advance(rows: readonly LogWatermark[]): Promise<void> {
    // Behind the same fence as an append: the share lock waits for a takeover in flight and then sees its epoch.
    await rowsOf(
      this.sql,
      `with wanted as (
         select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::int[], $6::bigint[])
           as w(topic, partition, watermark, kind, shard, epoch)
       ), fence as materialized (
         select s.kind, s.shard, s.epoch from shards s
         where (s.kind, s.shard) in (select w.kind, w.shard from wanted w)
         order by s.kind, s.shard for share of s
       )
       insert into log_offsets (topic, partition, watermark)
       select w.topic, w.partition, w.watermark from wanted w join fence f using (kind, shard, epoch)
       order by w.topic, w.partition
       on conflict (topic, partition) do update set watermark = greatest(log_offsets.watermark, excluded.watermark)`,
      [
        rows.map((row) => row.topic),
        rows.map((row) => row.partition),
        rows.map((row) => row.watermark),
        rows.map((row) => row.lease.kind),
        rows.map((row) => row.lease.shard),
        rows.map((row) => row.lease.epoch),
      ],
    )
  }
}
