import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'

/** Any number, the same for ever: what the process that runs alone on a database holds. */
const LOCK = 7160142
/** The connection of a process that was killed just now is noticed by Postgres a moment later. */
const LOOKS = 12
const LOOK_MS = 250

/**
 * What the lock of the data directory is to PGlite: the one-process profile hands out mailbox offsets from memory, so a
 * second process on its database would hand out the same. An advisory lock of a session: gone with its process.
 *   H1. While another process holds the database, the start is refused.
 *   H2. A lost connection (a restart of Postgres) is made again; when the lock went to another meanwhile, `lost` is told,
 *       and this process must end. What it still tries until then is fenced by the other's epochs (I2).
 */
export async function holdDatabase(
  dsn: string,
  log: Logger,
  lost: (failure: Failure) => void,
): Promise<{ release(): Promise<void> }> {
  let client: pg.Client | undefined
  let released = false

  async function hold(looks: number): Promise<boolean> {
    for (let look = 0; look < looks && !released; look++) {
      if (look > 0) await sleep(LOOK_MS)
      const candidate = new pg.Client({ connectionString: dsn, keepAlive: true, application_name: 'somaagent lock' })
      // Told by `end` as well; without a listener it would end the process.
      candidate.on('error', () => {})
      await candidate.connect()
      const { rows } = await candidate.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [LOCK])
      if (rows[0]?.held) {
        client = candidate
        candidate.once('end', () => void regain())
        return true
      }
      await candidate.end()
    }
    return false
  }

  async function regain(): Promise<void> {
    while (!released) {
      log.warn({}, 'the connection that holds the database was lost; connecting again')
      try {
        if (!(await hold(LOOKS)) && !released) lost(inUse())
        return
      } catch {
        await sleep(LOOK_MS)
      }
    }
  }

  if (!(await hold(LOOKS))) throw inUse()
  return {
    async release() {
      released = true
      await client?.end().catch(() => {})
    },
  }
}

function inUse(): Failure {
  return new Failure('DATABASE_IN_USE', 'another process holds the database of POSTGRES_DSN')
}
