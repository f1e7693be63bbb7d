import type { ActorKind } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { rowsOf } from './database-failure.ts'
import type { MailboxRow, MailboxRows, StoredShard, Watermark } from './mailbox-rows.ts'
import type { Sql } from './sql.ts'
import { StatementBatcher } from './statement-batcher.ts'
import { fromStoredJson, toStoredJson } from './stored-json.ts'

export class SqlMailboxRows implements MailboxRows {
  private readonly sql: Sql
  private readonly puts: StatementBatcher<MailboxRow, void>

  constructor(sql: Sql) {
    this.sql = sql
    this.puts = new StatementBatcher((batch) => this.write(batch))
  }

  shards(): Promise<StoredShard[]> {
    return rowsOf<StoredShard>(
      this.sql,
      `select kind, shard, coalesce(o.watermark, 0)::float8 as watermark,
         greatest(coalesce(o.watermark, 0), coalesce(m.last + 1, 0))::float8 as next, coalesce(m.rows, 0)::int as backlog
       from offsets o full join (
         select kind, shard, max(position) as last, count(*) as rows from mailbox group by kind, shard
       ) m using (kind, shard)`,
      [],
    )
  }

  put(row: MailboxRow): Promise<void> {
    return this.puts.add(row)
  }

  private async write(batch: readonly MailboxRow[]): Promise<undefined[]> {
    await this.sql.query(
      `insert into mailbox (kind, shard, position, envelope)
       select m.kind, m.shard, m.position, m.envelope::jsonb
       from unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) as m(kind, shard, position, envelope)`,
      [
        batch.map((row) => row.kind),
        batch.map((row) => row.shard),
        batch.map((row) => row.offset),
        batch.map((row) => toStoredJson(row.envelope)),
      ],
    )
    return []
  }

  async read(kind: ActorKind, shard: number, from: number, limit: number): Promise<MailboxRow[]> {
    const rows = await rowsOf<{ offset: number; envelope: string }>(
      this.sql,
      `select position::float8 as offset, envelope::text as envelope from mailbox
       where kind = $1 and shard = $2 and position >= $3 order by position limit $4`,
      [kind, shard, from, limit],
    )
    return rows.map((row) => ({ kind, shard, offset: row.offset, envelope: fromStoredJson<Envelope>(row.envelope) }))
  }

  async advance(watermarks: readonly Watermark[]): Promise<void> {
    // Storing and forgetting are one statement: a row is gone exactly when the watermark that passed it is stored.
    await rowsOf(
      this.sql,
      `with passed as (
         select * from unnest($1::text[], $2::int[], $3::bigint[]) as w(kind, shard, watermark)
       ), stored as (
         insert into offsets (kind, shard, watermark) select kind, shard, watermark from passed
         on conflict (kind, shard) do update set watermark = greatest(offsets.watermark, excluded.watermark)
       )
       delete from mailbox m using passed p
       where m.kind = p.kind and m.shard = p.shard and m.position < p.watermark`,
      [watermarks.map((row) => row.kind), watermarks.map((row) => row.shard), watermarks.map((row) => row.watermark)],
    )
  }

  /** Resolves when no put is in flight. */
  idle(): Promise<void> {
    return this.puts.idle()
  }
}
