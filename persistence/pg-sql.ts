import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Sql } from './sql.ts'

export interface PgOptions {
  readonly dsn: string
  readonly min?: number
  readonly max?: number
}

const STATEMENT_MS = 15_000

/** Postgres through a pool. Statements are prepared by name: planning the append takes longer than running it. */
export class PgSql implements Sql {
  readonly dialect = 'postgres'
  private readonly pool: pg.Pool
  private readonly names = new Map<string, string>()

  constructor(options: PgOptions, log: Logger) {
    this.pool = new pg.Pool({
      connectionString: options.dsn,
      min: options.min ?? 0,
      max: options.max ?? 10,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'somaagent',
    })
    // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
    this.pool.on('error', (error) => log.warn({ error: error.message }, 'a Postgres connection was lost'))
  }

  async query<Row>(text: string, params: readonly unknown[] = []): Promise<Row[]> {
    // A line that went silent gives its statements up, or an append would hold back all that come after it for as long as
    // TCP hopes (minutes). Whether it was written is unknown then, and asked again: the same envelope (I3).
    const result = await this.pool.query({
      name: this.nameOf(text),
      text,
      values: [...params],
      query_timeout: STATEMENT_MS,
    } as pg.QueryConfig)
    return result.rows as Row[]
  }

  async exec(script: string): Promise<void> {
    await this.pool.query(script)
  }

  async close(): Promise<void> {
    await this.pool.end()
  }

  private nameOf(text: string): string {
    let name = this.names.get(text)
    if (name === undefined) {
      name = createHash('sha256').update(text).digest('base64url').slice(0, 22)
      this.names.set(text, name)
    }
    return name
  }
}
