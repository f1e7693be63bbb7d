import type { Address } from '../actors/kernel/address.ts'
import type { Quarantine, QuarantineEntry } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { FailureCode } from '../actors/kernel/failure.ts'
import { rowsOf } from './database-failure.ts'
import type { Sql } from './sql.ts'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from './stored-json.ts'

export class SqlQuarantine implements Quarantine {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async hold(
    entry: Omit<QuarantineEntry, 'held' | 'since'> & { since: number },
    envelopes: readonly Envelope[],
  ): Promise<void> {
    // The entry and what it holds are one statement. An envelope delivered twice is held once, at its first place.
    await rowsOf(
      this.sql,
      `with entry as (
         insert into quarantine (address, tenant, code, detail, suspect, since)
         values ($1, $2, $3, $4, $5::jsonb, to_timestamp($6::float8 / 1000))
         on conflict (address) do update set code = excluded.code, detail = excluded.detail,
           suspect = coalesce(excluded.suspect, quarantine.suspect)
       )
       insert into quarantine_held (address, envelope_id, envelope)
       select $1, h.envelope_id, h.envelope::jsonb
       from unnest($7::text[], $8::text[]) with ordinality as h(envelope_id, envelope, nth) order by h.nth
       on conflict do nothing`,
      [
        entry.address,
        toStoredText(entry.tenant),
        entry.code,
        toStoredText(entry.detail),
        entry.suspect === undefined ? null : toStoredJson(entry.suspect),
        entry.since,
        envelopes.map((envelope) => toStoredText(envelope.id)),
        envelopes.map(toStoredJson),
      ],
    )
  }

  async list(tenant?: string): Promise<QuarantineEntry[]> {
    const rows = await rowsOf<EntryRow>(
      this.sql,
      `select ${selected} from quarantine q where $1::text is null or q.tenant = $1 order by q.since, q.address`,
      [tenant ?? null],
    )
    return rows.map(toEntry)
  }

  async get(address: Address): Promise<QuarantineEntry | undefined> {
    const rows = await rowsOf<EntryRow>(this.sql, `select ${selected} from quarantine q where q.address = $1`, [
      address,
    ])
    return rows[0] && toEntry(rows[0])
  }

  async held(address: Address): Promise<Envelope[]> {
    const rows = await rowsOf<{ envelope: string }>(
      this.sql,
      'select envelope::text as envelope from quarantine_held where address = $1 order by position',
      [address],
    )
    return rows.map((row) => fromStoredJson<Envelope>(row.envelope))
  }

  async release(address: Address): Promise<boolean> {
    const rows = await rowsOf(
      this.sql,
      `with forgotten as (delete from quarantine_held where address = $1)
       delete from quarantine where address = $1 returning address`,
      [address],
    )
    return rows.length > 0
  }
}

const selected = `q.address, q.tenant, q.code, q.detail, q.suspect::text as suspect,
  round(extract(epoch from q.since) * 1000)::float8 as since,
  (select count(*)::int from quarantine_held h where h.address = q.address) as held`

interface EntryRow {
  readonly address: Address
  readonly tenant: string
  readonly code: FailureCode
  readonly detail: string
  readonly suspect: string | null
  readonly since: number
  readonly held: number
}

function toEntry(row: EntryRow): QuarantineEntry {
  return {
    ...row,
    tenant: fromStoredText(row.tenant),
    detail: fromStoredText(row.detail),
    suspect: row.suspect === null ? undefined : fromStoredJson<Envelope>(row.suspect),
  }
}
