import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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
      // The recursive mkdir of Node 20 says ENOENT on a read-only file system; the plain one says what is wrong.
      await mkdir(dir, { recursive: true, mode: 0o700 }).catch(() => mkdir(dir, { mode: 0o700 }))
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

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there: change its owner or permissions',
  EPERM: 'this user may not write there: change its owner or permissions',
  EROFS: 'the file system is read-only: mount it writable',
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file, not a directory',
}

export function unusable(dir: string, error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = remedies[code] ?? (error instanceof Error ? error.message : String(error))
  return new Failure('DATA_DIR_UNUSABLE', `${dir}: ${why}; or set SOMA_DATA_DIR to another folder`, { cause: error })
}
