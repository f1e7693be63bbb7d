import type { IdempotencyEntry, IdempotencyKeys } from './journal.ts'
import type { Sql } from './sql.ts'
import { StatementBatcher } from './statement-batcher.ts'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from './stored-json.ts'

export const KEEP_KEYS_MS = 24 * 60 * 60 * 1_000

/** Group-committed like the appends they precede. A key older than 24 h is taken over by its next user, and swept. */
export class SqlIdempotencyKeys implements IdempotencyKeys {
  private readonly sql: Sql
  private readonly entries: StatementBatcher<IdempotencyEntry, IdempotencyEntry>

  constructor(sql: Sql) {
    this.sql = sql
    this.entries = new StatementBatcher((batch) => this.write(batch), { keyOf: rowKey })
  }

  remember(entry: IdempotencyEntry): Promise<IdempotencyEntry> {
    return this.entries.add(entry)
  }

  private async write(batch: readonly IdempotencyEntry[]): Promise<IdempotencyEntry[]> {
    const oldest = Math.max(...batch.map((entry) => entry.at)) - KEEP_KEYS_MS
    const rows = await this.sql.query<EntryRow>(
      `with offered as (
         select e.tenant, e.key, e.fingerprint, e.answer::jsonb as answer, to_timestamp(e.at / 1000) as at
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[]) as e(tenant, key, fingerprint, answer, at)
       ), swept as (
         delete from idempotency_keys k using (
           select tenant, key from idempotency_keys where at < to_timestamp($6::float8 / 1000) order by at limit 100
         ) old
         where k.tenant = old.tenant and k.key = old.key
           and not exists (select from offered o where o.tenant = k.tenant and o.key = k.key)
       ), kept as (
         insert into idempotency_keys as k (tenant, key, fingerprint, answer, at) select * from offered
         on conflict (tenant, key) do update set
           fingerprint = case when k.at < to_timestamp($6::float8 / 1000) then excluded.fingerprint else k.fingerprint end,
           answer = case when k.at < to_timestamp($6::float8 / 1000) then excluded.answer else k.answer end,
           at = case when k.at < to_timestamp($6::float8 / 1000) then excluded.at else k.at end
         returning *
       )
       select tenant, key, fingerprint, answer::text as answer, round(extract(epoch from at) * 1000)::float8 as at from kept`,
      [
        batch.map((entry) => toStoredText(entry.tenant)),
        batch.map((entry) => toStoredText(entry.key)),
        batch.map((entry) => entry.fingerprint),
        batch.map((entry) => toStoredJson(entry.answer)),
        batch.map((entry) => entry.at),
        oldest,
      ],
    )
    const kept = new Map(rows.map(toEntry).map((entry) => [rowKey(entry), entry]))
    return batch.map((entry) => kept.get(rowKey(entry)) ?? entry)
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    return this.entries.idle()
  }
}

function rowKey(entry: IdempotencyEntry): string {
  return JSON.stringify([entry.tenant, entry.key])
}

interface EntryRow {
  readonly tenant: string
  readonly key: string
  readonly fingerprint: string
  readonly answer: string
  readonly at: number
}

function toEntry(row: EntryRow): IdempotencyEntry {
  return {
    tenant: fromStoredText(row.tenant),
    key: fromStoredText(row.key),
    fingerprint: row.fingerprint,
    answer: fromStoredJson(row.answer),
    at: row.at,
  }
}
