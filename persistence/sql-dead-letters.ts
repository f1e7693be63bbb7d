import type { Address } from '../actors/kernel/address.ts'
import type { Ids } from '../actors/kernel/clock.ts'
import type { DeadLetter, DeadLetters } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { FailureCode } from '../actors/kernel/failure.ts'
import { rowsOf } from './database-failure.ts'
import type { Sql } from './sql.ts'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from './stored-json.ts'

export class SqlDeadLetters implements DeadLetters {
  private readonly sql: Sql
  private readonly ids: Ids

  constructor(sql: Sql, ids: Ids) {
    this.sql = sql
    this.ids = ids
  }

  async park(letter: Omit<DeadLetter, 'id'>): Promise<void> {
    await rowsOf<LetterRow>(
      this.sql,
      `insert into dead_letters (id, tenant, address, envelope_id, envelope, source, code, detail, retries, at)
       values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, to_timestamp($10::float8 / 1000))
       on conflict (envelope_id, code) do nothing`,
      [
        this.ids.uuid(),
        toStoredText(letter.envelope.tenant),
        toStoredText(letter.envelope.to),
        toStoredText(letter.envelope.id),
        toStoredJson(letter.envelope),
        toStoredText(letter.source),
        letter.code,
        toStoredText(letter.detail),
        letter.retries,
        letter.at,
      ],
    )
  }

  async list(query: { tenant?: string; address?: Address; limit: number; before?: string }): Promise<DeadLetter[]> {
    const rows = await rowsOf<LetterRow>(
      this.sql,
      `select ${selectedLetter} from dead_letters
       where ($1::text is null or tenant = $1) and ($2::text is null or address = $2)
         and ($3::text is null or position < (select position from dead_letters where id = $3))
       order by position desc limit $4`,
      [query.tenant ?? null, query.address ?? null, query.before ?? null, query.limit],
    )
    return rows.map(toLetter)
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const rows = await rowsOf<LetterRow>(this.sql, `select ${selectedLetter} from dead_letters where id = $1`, [
      toStoredText(id),
    ])
    return rows[0] && toLetter(rows[0])
  }

  async remove(id: string): Promise<boolean> {
    const rows = await rowsOf<LetterRow>(this.sql, 'delete from dead_letters where id = $1 returning id', [
      toStoredText(id),
    ])
    return rows.length > 0
  }
}

export const selectedLetter = `id, envelope::text as envelope, source, code, detail, retries,
  round(extract(epoch from at) * 1000)::float8 as at`

export interface LetterRow {
  readonly id: string
  readonly envelope: string
  readonly source: string
  readonly code: FailureCode
  readonly detail: string
  readonly retries: number
  readonly at: number
}

export function toLetter(row: LetterRow): DeadLetter {
  return {
    ...row,
    source: fromStoredText(row.source),
    detail: fromStoredText(row.detail),
    envelope: fromStoredJson<Envelope>(row.envelope),
  }
}
