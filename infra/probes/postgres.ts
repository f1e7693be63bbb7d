import pg from 'pg'
import { at, type Place, type Probe, silent, Trouble, wordsOf } from './probe.ts'
import { reach, socketTrouble } from './socket-trouble.ts'

const PRODUCT = 'Postgres'
const OLDEST = 13
const SPEAK_MS = 2_500

interface Answer {
  readonly version: string
  readonly number: string
  readonly replica: unknown
}

/** `dsn` as the journal opens it: what is right for the probe is right for the start. */
export function postgresProbe(dsn: string, { variable, name } = { variable: 'POSTGRES_DSN', name: 'postgres' }): Probe {
  const { hostname, port, pathname } = new URL(dsn)
  const place = { address: `${hostname || 'localhost'}:${port || 5432}${pathname}`, variable }
  return {
    name,
    required: true,
    place,
    async look(signal) {
      const client = new pg.Client({
        connectionString: dsn,
        connectionTimeoutMillis: SPEAK_MS,
        query_timeout: SPEAK_MS,
        application_name: 'somaagent probe',
      })
      // The failure is that of connect() or query(); without a listener it would end the process as well.
      client.on('error', () => {})
      if (!client.host.startsWith('/')) await reach(client.host, client.port, PRODUCT, place, signal)
      try {
        await client.connect()
        const { rows } = await client.query<Answer>(
          "select current_setting('server_version') as version, current_setting('server_version_num') as number, pg_is_in_recovery() as replica",
        )
        return judged(rows[0], place)
      } catch (error) {
        throw error instanceof Trouble ? error : troubleOf(error, client, place)
      } finally {
        // Not awaited: a server that says nothing would not answer the goodbye either.
        client.end().catch(() => {})
      }
    },
  }
}

function judged(answer: Answer | undefined, place: Place): string {
  const major = Math.floor(Number(answer?.number) / 10_000)
  const version = `Postgres ${answer?.version.split(' ')[0]}`
  if (!(major >= OLDEST)) {
    const detail = `${at(place)} is ${version}, which is too old: ${OLDEST} or newer is needed`
    throw new Trouble('version', detail, `Upgrade it, or name a newer server in ${place.variable}.`)
  }
  if (answer?.replica === true) {
    const detail = `${at(place)} is a replica and takes no writes`
    throw new Trouble('misconfigured', detail, `Name the primary in ${place.variable}.`)
  }
  return version
}

function troubleOf(error: unknown, { user, database }: pg.Client, place: Place): Trouble {
  const { code = '' } = error as { code?: string }
  const words = wordsOf(error)
  const { variable } = place
  const told = (kind: Trouble['kind'], detail: string, remedy: string) => new Trouble(kind, detail, remedy, error)
  if (/timeout|timed out/i.test(words) && code === '') return silent(place, SPEAK_MS)
  if (/does not support SSL/i.test(words)) {
    return told(
      'tls',
      `${at(place)} does not speak TLS`,
      `Take sslmode out of ${variable}, or switch TLS on in Postgres.`,
    )
  }
  if (code === '28000' && /no encryption|SSL off/i.test(words)) {
    const detail = `${at(place)} takes no connection without TLS for user ${user}: ${words}`
    return told('tls', detail, `Add ?sslmode=require to ${variable}, or allow it in pg_hba.conf.`)
  }
  if (code === '28P01' || code === '28000' || /SASL|password must be a string/.test(words)) {
    const detail = `${at(place)} refuses user ${user}: ${words}`
    return told('unauthorized', detail, `Correct user and password in ${variable}, or see pg_hba.conf.`)
  }
  if (code === '3D000') {
    const detail = `${at(place)} has no database "${database}"`
    return told('wrong-database', detail, `Create it (createdb ${database}), or correct the name in ${variable}.`)
  }
  if (code === '57P03') {
    return told('starting', `${at(place)} is not ready: ${words}`, 'Wait until it is up, or see its log.')
  }
  if (code === '53300') {
    const remedy = 'Raise max_connections, or lower PG_POOL_MAX_SIZE of those that use it.'
    return told('failed', `${at(place)} has no connection left: ${words}`, remedy)
  }
  if (/Connection terminated unexpectedly/.test(words)) {
    const detail = `${at(place)} ended the connection instead of answering`
    return told('failed', detail, `See its log; it may be starting, or not be Postgres: else correct ${variable}.`)
  }
  return (
    socketTrouble(error, PRODUCT, place) ?? told('failed', `${at(place)}: ${words}`, `See its log, and ${variable}.`)
  )
}
