import { cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import { PgliteSql } from './pglite-sql.ts'

/**
 * Makes the database's directory. It appears under its name by one rename, when it is complete: a kill at any moment before
 * leaves only `unfinished`, which the next start removes. initdb takes 2-4 s and 840 MB for as long as its thread lives;
 * a copy of the template 0.2-0.5 s.
 */
export async function ensureDatabase(
  paths: { readonly database: string; readonly unfinishedDatabase: string },
  { template, clock, log }: { readonly template?: string; readonly clock: Clock; readonly log: Logger },
): Promise<void> {
  if (await exists(paths.database)) return
  await rm(paths.unfinishedDatabase, { recursive: true, force: true })
  if (template !== undefined && (await exists(template))) {
    await cp(template, paths.unfinishedDatabase, { recursive: true })
  } else {
    await initdb(paths.unfinishedDatabase, clock, log)
  }
  await rename(paths.unfinishedDatabase, paths.database)
}

/** An empty database to copy from, made once (by the build, or by the specs' first run). Several makers may race. */
export async function ensureTemplate(template: string, clock: Clock, log: Logger): Promise<void> {
  if (await exists(template)) return
  await mkdir(dirname(template), { recursive: true })
  const draft = `${template}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await initdb(draft, clock, log)
  try {
    await rename(draft, template)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(template))) throw error
  }
}

async function initdb(dir: string, clock: Clock, log: Logger): Promise<void> {
  const sql = await PgliteSql.open(dir, clock, log)
  await sql.close()
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
