import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../actors/kernel/failure.ts'
import type { Sql } from './sql.ts'

/**
 * Applies the numbered files of migrations/ once each, in order.
 *   S1. A file and the row that says it was applied are one transaction: a kill in the middle leaves neither.
 *   S2. Of several nodes starting at once one applies a file; the others wait for it and find it applied.
 *   S3. A database that knows a file we do not know is newer than we are: SCHEMA_TOO_NEW, nothing is touched.
 *   S4. A file that was applied is never edited: another checksum is CONFIG_INVALID.
 */
export async function migrate(sql: Sql, migrationsDir: string): Promise<readonly string[]> {
  const files = await migrations(migrationsDir)
  await sql.exec(`${lock}; create table if not exists schema_migrations (
    number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`)
  const applied: string[] = []
  for (const file of files) {
    if (await isApplied(sql, file, files)) continue
    try {
      // S1, S2: the first writer of the number holds its key until the file is done.
      await sql.exec(`${lock}; insert into schema_migrations (number, name, checksum)
        values (${file.number}, '${file.name}', '${file.checksum}'); ${file.text}`)
      applied.push(file.name)
    } catch (error) {
      if (!(await isApplied(sql, file, files))) throw error
    }
  }
  if (files.length === 0) throw new Failure('CONFIG_INVALID', `${migrationsDir} holds no migrations`)
  return applied
}

// Held until the script's implicit transaction ends. Any constant will do that no other program uses.
const lock = 'select pg_advisory_xact_lock(7160141)'

interface Migration {
  readonly number: number
  readonly name: string
  readonly checksum: string
  readonly text: string
}

async function migrations(dir: string): Promise<Migration[]> {
  const names = (await readdir(dir)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(dir, name), 'utf8')
      const checksum = createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
      return { number: Number(name.slice(0, 4)), name, checksum, text }
    }),
  )
}

async function isApplied(sql: Sql, file: Migration, files: readonly Migration[]): Promise<boolean> {
  const rows = await sql.query<{ number: number; name: string; checksum: string }>(
    'select number, name, checksum from schema_migrations order by number',
  )
  const newer = rows.find((row) => !files.some((known) => known.number === row.number))
  if (newer !== undefined) {
    throw new Failure('SCHEMA_TOO_NEW', `the database has ${newer.name}; this version ends at ${files.at(-1)?.name}`) // S3
  }
  const row = rows.find((candidate) => candidate.number === file.number)
  if (row !== undefined && row.checksum !== file.checksum) {
    throw new Failure('CONFIG_INVALID', `${file.name} was edited after it had been applied to this database`) // S4
  }
  return row !== undefined
}
