import pg from 'pg'
import { Failure } from '../actors/kernel/failure.ts'

/** Any number, the same for ever: the class of the advisory locks, one for each slot of the cluster. */
export const SLOT_LOCKS = 7160143
const CHANNEL = 'somaagent_cluster'
/** A Postgres that says nothing for this long is as good as gone. */
const SILENCE_MS = 3_000

/** The backend that held a slot, to be ended by its own process when the connection to it was lost. */
export interface Backend {
  readonly pid: number
  readonly startedAt: string
}

/**
 * A connection of its own that holds a slot of the cluster by an advisory lock: the lock goes with the process that
 * holds it, killed or not, which no lease can tell as soon (N2), and no two connections have the same one (N1).
 */
export class SlotConnection {
  readonly slot: number
  readonly backend: Backend
  private readonly client: pg.Client
  private gone = false

  private constructor(client: pg.Client, slot: number, backend: Backend) {
    this.client = client
    this.slot = slot
    this.backend = backend
  }

  /**
   * Takes the first free slot of `order`. The backend of a connection that was cut may not have noticed and still holds
   * the slot: `former` is ended first, so that its process gets the same slot again.
   */
  static async open(
    dsn: string,
    order: readonly number[],
    former: Backend | undefined,
    heard: (from: string) => void,
    lost: () => void,
  ): Promise<SlotConnection> {
    const client = new pg.Client({
      connectionString: dsn,
      keepAlive: true,
      connectionTimeoutMillis: SILENCE_MS,
      query_timeout: SILENCE_MS,
      statement_timeout: SILENCE_MS,
      application_name: 'somaagent node',
    })
    // Told by `end` as well; without a listener it would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query(setUp)
      if (former !== undefined) await client.query(endFormer, [former.pid, former.startedAt])
      const { rows } = await client.query<{ slot: number; pid: number; startedAt: string }>(takeSlot, [
        SLOT_LOCKS,
        order,
      ])
      if (rows[0] === undefined) {
        throw new Failure('CONFIG_INVALID', `all ${order.length} slots of the cluster of POSTGRES_DSN are taken`)
      }
      const { slot, ...backend } = rows[0]
      const connection = new SlotConnection(client, slot, backend)
      client.on('notification', ({ payload }) => heard(payload ?? ''))
      client.once('end', () => {
        connection.gone = true
        lost()
      })
      return connection
    } catch (error) {
      cut(client)
      throw error
    }
  }

  async query<Row extends pg.QueryResultRow>(text: string, params: readonly unknown[]): Promise<Row[]> {
    if (this.gone) throw new Failure('JOURNAL_UNAVAILABLE', 'the connection to Postgres was lost', { retryAfter: 1 })
    try {
      return (await this.client.query<Row>(text, [...params])).rows
    } catch (error) {
      // What comes from the server has a code. Anything else is silence or a broken line: a new connection is needed.
      if (!(error instanceof pg.DatabaseError)) cut(this.client)
      throw error
    }
  }

  async notify(from: string): Promise<void> {
    await this.query('select pg_notify($1, $2)', [CHANNEL, from])
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => cut(this.client))
  }
}

/** `end` would wait for an answer of the server. */
function cut(client: pg.Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}

// A heartbeat need not survive the server, so none waits for the disk. Keepalives tell the server of a host that vanished.
const setUp = `set synchronous_commit = off; set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2;
  set tcp_keepalives_count = 3; listen ${CHANNEL}`

// Its pid may be another's by now; its time of start is not.
const endFormer = `select pg_terminate_backend(pid, 1000) from pg_stat_activity
  where pid = $1 and backend_start = $2::timestamptz and usename = current_user`

// No `order by`: it would take every lock before `limit` chose one.
const takeSlot = `select s.slot, pg_backend_pid() as pid,
    (select backend_start::text from pg_stat_activity where pid = pg_backend_pid()) as "startedAt"
  from unnest($2::int[]) as s(slot) where pg_try_advisory_lock($1, s.slot) limit 1`
