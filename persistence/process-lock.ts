import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../actors/kernel/failure.ts'
import { bootId, processStart } from './process-identity.ts'

interface Holder {
  readonly pid: number
  /** When the process started, so that another process with the same pid is not taken for it. */
  readonly start: string | undefined
  readonly boot: string | undefined
  /** Tells the tries of one process from each other. */
  readonly nth: number
}

/**
 * A lock file that names its holder: Node has no flock, and a listening socket cannot live on every file system.
 *   L1. The file appears whole, by `link`, or not at all: a kill never leaves an unreadable lock.
 *   L2. A holder is alive when its pid exists, started when it says, since this boot. Else its lock is stale, and taken over.
 *   L3. Two processes that find the same stale lock cannot both have it: taking over needs the lock `<path>~`, and under it
 *       the stale lock is read again before it is replaced.
 *   L4. A holder that was killed a moment ago may still be leaving, or be a zombie that nobody has reaped: it is waited for.
 * It does not see processes of other machines or containers: a data directory belongs to one of them.
 */
export class ProcessLock {
  private readonly path: string
  private readonly mine: string
  private readonly nth: number

  private constructor(path: string, mine: string, nth: number) {
    this.path = path
    this.mine = mine
    this.nth = nth
  }

  /** Rejects with DATA_DIR_IN_USE, naming the pid. */
  static async acquire(path: string): Promise<ProcessLock> {
    const start = await processStart(process.pid)
    const nth = ++acquisitions
    const holder: Holder = { pid: process.pid, start, boot: await bootId(), nth }
    const lock = new ProcessLock(path, `${JSON.stringify(holder)}\n`, nth)
    await lock.take()
    return lock
  }

  async release(): Promise<void> {
    if ((await readOrNothing(this.path)) === this.mine) await rm(this.path, { force: true })
  }

  private async take(): Promise<void> {
    const draft = `${this.path}.${process.pid}.${this.nth}`
    await writeFile(draft, this.mine)
    try {
      while (!(await linked(draft, this.path))) {
        const found = await readOrNothing(this.path)
        if (found === undefined) continue // released just now
        const holder = parse(found)
        if (holder !== undefined && (await staysAlive(holder))) {
          throw new Failure('DATA_DIR_IN_USE', `process ${holder.pid} holds ${this.path}`)
        }
        if (await this.takeOver(draft, found)) return
      }
    } finally {
      await rm(draft, { force: true })
    }
  }

  private async takeOver(draft: string, stale: string): Promise<boolean> {
    // The guard may itself be stale, left by a kill right here: it is a lock like this one.
    const guard = new ProcessLock(`${this.path}~`, this.mine, this.nth)
    await guard.take()
    try {
      if ((await readOrNothing(this.path)) !== stale) return false // L3: somebody was faster
      await rename(draft, this.path)
      return true
    } finally {
      await guard.release()
    }
  }
}

let acquisitions = 0

/** SIGKILL frees 400 MB before the process is gone: 40 ms here, and more on a busy machine (L4). */
const LEAVING_LOOKS = 40
const LEAVING_LOOK_MS = 25

async function staysAlive(holder: Holder): Promise<boolean> {
  if (holder.pid === process.pid) return isAlive(holder)
  for (let look = 0; look < LEAVING_LOOKS; look++) {
    if (!(await isAlive(holder))) return false
    await sleep(LEAVING_LOOK_MS)
  }
  return isAlive(holder)
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return Number.isInteger(holder.pid) && holder.pid > 0 ? holder : undefined
  } catch {
    return undefined
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false // EPERM: alive, and another user's
  }
  const boot = await bootId()
  if (holder.boot !== undefined && boot !== undefined && holder.boot !== boot) return false
  const start = await processStart(holder.pid)
  return holder.start === undefined || start === undefined || holder.start === start
}
