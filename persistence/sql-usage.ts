import { rowsOf } from './database-failure.ts'
import type { Usage } from './journal.ts'
import type { Sql } from './sql.ts'
import { toStoredText } from './stored-json.ts'

/** Reads the day's counters; appends write them (append-statement.ts). */
export class SqlUsage implements Usage {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async spent(tenant: string, day: string, personaId?: string): Promise<{ tokens: number; costMicros: number }> {
    const rows = await rowsOf<{ tokens: number; cost_micros: number }>(
      this.sql,
      `select coalesce(sum(tokens), 0)::float8 as tokens, coalesce(sum(cost_micros), 0)::float8 as cost_micros
         from usage where tenant = $1 and day = $2 and ($3::text is null or persona_id = $3)`,
      [toStoredText(tenant), day, personaId === undefined ? null : toStoredText(personaId)],
    )
    return { tokens: rows[0]?.tokens ?? 0, costMicros: rows[0]?.cost_micros ?? 0 }
  }
}
