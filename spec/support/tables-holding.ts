import type { Sql } from '../../persistence/sql.ts'

/** The tables of which any row, as text, holds the word: what somebody finds who looks through all that is stored. */
export async function tablesHolding(sql: Pick<Sql, 'query'>, word: string): Promise<string[]> {
  const tables = await sql.query<{ name: string }>(
    `select distinct relname::text as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  )
  const holding: string[] = []
  for (const { name } of tables) {
    const rows = await sql.query(`select 1 as found from ${name} t where strpos(t::text, $1) > 0 limit 1`, [word])
    if (rows.length > 0) holding.push(name)
  }
  return [...new Set(holding)]
}
