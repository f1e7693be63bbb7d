import { rowsOf } from './database-failure.ts'
import type { SessionRecord, SessionRecords } from './journal.ts'
import { isUuid, parseCursor, refuseUnlessUuid } from './session-cursor.ts'
import {
  recordArrays,
  recordColumns,
  recordParams,
  type SessionRecordRow,
  selectedRecord,
  toRecord,
  unnestedRecord,
} from './session-record-row.ts'
import type { Sql } from './sql.ts'
import { StatementBatcher } from './statement-batcher.ts'
import { toStoredText } from './stored-json.ts'

export class SqlSessionRecords implements SessionRecords {
  private readonly sql: Sql
  private readonly claims: StatementBatcher<SessionRecord, SessionRecord>

  constructor(sql: Sql) {
    this.sql = sql
    this.claims = new StatementBatcher((batch) => this.write(batch), {
      keyOf: (record) => record.sessionId.toLowerCase(),
    })
  }

  async claim(record: SessionRecord): Promise<SessionRecord> {
    refuseUnlessUuid(record.sessionId)
    return this.claims.add(record)
  }

  private async write(batch: readonly SessionRecord[]): Promise<SessionRecord[]> {
    // The no-op update makes the statement return the row that is there, whoever wrote it and however recently: after a
    // plain `do nothing` a row of another node's commit in flight would be neither inserted nor visible.
    const rows = await this.sql.query<SessionRecordRow>(
      `with claimed as (
         insert into session_envelopes (${recordColumns})
         select ${unnestedRecord} from unnest(${recordArrays(1)}) as s(${recordColumns})
         on conflict (session_id) do update set tenant = session_envelopes.tenant
         returning *
       )
       select ${selectedRecord} from claimed`,
      recordParams(batch),
    )
    const bySession = new Map(rows.map((row) => [row.session_id, toRecord(row)]))
    return batch.map((record) => bySession.get(record.sessionId.toLowerCase()) ?? record)
  }

  async get(sessionId: string): Promise<SessionRecord | undefined> {
    if (!isUuid(sessionId)) return undefined
    const rows = await rowsOf<SessionRecordRow>(
      this.sql,
      `select ${selectedRecord} from session_envelopes where session_id = $1`,
      [sessionId],
    )
    return rows[0] && toRecord(rows[0])
  }

  async list(query: {
    tenant: string
    limit: number
    before?: string
    search?: string
    state?: SessionRecord['state']
  }): Promise<{ records: SessionRecord[]; next?: string }> {
    const before = parseCursor(query.before)
    const pattern = query.search === undefined ? null : `%${toStoredText(query.search).replace(/[\\%_]/g, '\\$&')}%`
    const rows = await rowsOf<SessionRecordRow>(
      this.sql,
      `select ${selectedRecord} from session_envelopes e
       where e.tenant = $1 and e.state <> 'deleted'
         and ($2::float8 is null or (e.updated_at, e.session_id) < (to_timestamp($2::float8 / 1000), $3::uuid))
         and ($4::text is null or e.title ilike $4 or e.session_id::text ilike $4 or e.persona_id ilike $4)
         and ($6::text is null or e.state = $6)
       order by e.updated_at desc, e.session_id desc limit $5`,
      [
        toStoredText(query.tenant),
        before?.updatedAt ?? null,
        before?.sessionId ?? null,
        pattern,
        query.limit + 1,
        query.state ?? null,
      ],
    )
    const records = rows.slice(0, query.limit).map(toRecord)
    const last = records.at(-1)
    if (rows.length <= query.limit || last === undefined) return { records }
    return { records, next: `${last.updatedAt}|${last.sessionId}` }
  }

  /** Resolves when no claim is in flight. */
  idle(): Promise<void> {
    return this.claims.idle()
  }
}
