/**
 * The database as the rest of persistence/ sees it: one statement in, rows out. Implementations: pglite-sql.ts (embedded)
 * and pg-sql.ts. Every write of ours is a single statement, so no transaction ever spans a round trip and none can be
 * left open by a crash of the caller.
 */
export interface Sql {
  readonly dialect: 'pglite' | 'postgres'
  /** One statement. Numbers beyond int4 are selected as float8, JSON as text (stored-json.ts), so both drivers agree. */
  query<Row = Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<Row[]>
  /** Several statements without parameters, as one implicit transaction: all or nothing. */
  exec(script: string): Promise<void>
  /** Waits for statements in flight. */
  close(): Promise<void>
}
