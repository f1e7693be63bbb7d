import { access, constants, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Failure, isFailure } from '../actors/kernel/failure.ts'
import { ProcessLock } from './process-lock.ts'

/**
 * The data directory of the one-process profile, held by this process alone until `close`.
 *
 *   lock            who holds it (process-lock.ts)
 *   pg/             the database
 *   pg.new/         a database being made; left by a kill, it is removed and made again
 */
export class DataDir {
  readonly path: string
  private readonly lock: ProcessLock

  private constructor(path: string, lock: ProcessLock) {
    this.path = path
    this.lock = lock
  }

  /** Rejects with DATA_DIR_IN_USE or DATA_DIR_UNUSABLE. */
  static async open(path: string): Promise<DataDir> {
    const dir = resolve(path)
    try {
      await makeFolders(dir)
      // A page must fit, or Postgres would fail later and less clearly.
      const probe = join(dir, `probe-${process.pid}`)
      await writeFile(probe, Buffer.alloc(8_192)).finally(() => rm(probe, { force: true }))
      return new DataDir(dir, await ProcessLock.acquire(join(dir, 'lock')))
    } catch (error) {
      throw isFailure(error) ? error : unusable(dir, error)
    }
  }

  get database(): string {
    return join(this.path, 'pg')
  }

  get unfinishedDatabase(): string {
    return join(this.path, 'pg.new')
  }

  async close(): Promise<void> {
    await this.lock.release()
  }
}

/**
 * One folder after the other, from the deepest that is there. The recursive mkdir of Node 20 spins for ever below /proc,
 * which answers ENOENT for a folder whose parent exists, and hides the cause on a read-only file system.
 */
async function makeFolders(dir: string): Promise<void> {
  const missing: string[] = []
  let existing = dir
  while (!(await isThere(existing))) {
    missing.unshift(existing)
    existing = dirname(existing)
  }
  if (!(await stat(existing)).isDirectory()) throw Object.assign(new Error(existing), { code: 'ENOTDIR' })
  await access(existing, constants.W_OK | constants.X_OK)
  for (const folder of missing) await mkdir(folder, { mode: 0o700 }).catch(unlessMadeMeanwhile)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    // The root is always there; anything but "not there" is the answer to show.
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    return false
  }
}

/** Two processes may start at once; which of them made the folder does not matter. */
function unlessMadeMeanwhile(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there: change its owner or permissions',
  EPERM: 'this user may not write there: change its owner or permissions',
  EROFS: 'the file system is read-only: mount it writable',
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file, not a directory',
  ENOENT: 'no folder can be made there',
}

export function unusable(dir: string, error: unknown): Failure {
  const why = remedies[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
  return new Failure('DATA_DIR_UNUSABLE', `${dir}: ${why}; or set SOMA_DATA_DIR to another folder`, { cause: error })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
