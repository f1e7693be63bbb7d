import { Redis } from 'ioredis'
import { at, type Place, type Probe, silent, Trouble, wordsOf } from './probe.ts'
import { reach, socketTrouble } from './socket-trouble.ts'

const PRODUCT = 'Redis'
const OLDEST = 6
const SPEAK_MS = 2_500

export function redisProbe(url: string, required: boolean): Probe {
  const { hostname, port, pathname } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '') || 'localhost'
  const place = { address: `${hostname || 'localhost'}:${port || 6379}${pathname}`, variable: 'REDIS_URL' }
  return {
    name: 'redis',
    required,
    place,
    async look(signal) {
      await reach(host, Number(port || 6379), PRODUCT, place, signal)
      const client = new Redis(url, {
        lazyConnect: true,
        connectTimeout: SPEAK_MS,
        commandTimeout: SPEAK_MS,
        enableReadyCheck: false,
        maxRetriesPerRequest: 0,
        retryStrategy: () => null,
      })
      // connect() hides why under "Connection is closed"; the event says it.
      let first: unknown
      client.on('error', (error) => {
        first ??= error
      })
      const give = () => client.disconnect()
      signal.addEventListener('abort', give, { once: true })
      try {
        await client.connect()
        const info = await client.info('server')
        // A number that is not there fails in an event, and the connection goes on with number 0.
        if (first !== undefined) throw first
        return judged(info, place)
      } catch (error) {
        throw error instanceof Trouble ? error : troubleOf(first ?? error, url, place)
      } finally {
        client.disconnect()
      }
    },
  }
}

function judged(info: string, place: Place): string {
  const version = /redis_version:(\S+)/.exec(info)?.[1]
  if (version === undefined) {
    throw new Trouble('failed', `${at(place)} answers, but not as Redis does`, `Correct ${place.variable}.`)
  }
  if (!(Number.parseInt(version, 10) >= OLDEST)) {
    const detail = `${at(place)} is Redis ${version}, which is too old: ${OLDEST} or newer is needed`
    throw new Trouble('version', detail, `Upgrade it, or name a newer server in ${place.variable}.`)
  }
  return `Redis ${version}`
}

function troubleOf(error: unknown, url: string, place: Place): Trouble {
  const words = wordsOf(error)
  const { address, variable } = place
  const told = (kind: Trouble['kind'], detail: string, remedy: string) => new Trouble(kind, detail, remedy, error)
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH)/i.test(words)) {
    const why = /^NOAUTH/.test(words) ? 'wants a password' : 'refuses the user or password'
    return told(
      'unauthorized',
      `${at(place)} ${why}: ${words}`,
      `Correct ${variable}: redis://user:password@host:port.`,
    )
  }
  if (/DB index|invalid DB/i.test(words)) {
    const detail = `${at(place)} has no database of that number: ${words}`
    return told('wrong-database', detail, `Correct the number at the end of ${variable}; 0 is always there.`)
  }
  if (/^(LOADING|MASTERDOWN)/.test(words)) {
    return told('starting', `${at(place)} is not ready: ${words}`, 'Wait until it is up, or see its log.')
  }
  if (/timed ?out|timeout/i.test(words)) {
    // It was reached a moment ago, so it is the handshake that is not answered.
    if (url.startsWith('rediss:')) {
      return told('tls', `${at(place)} does not speak TLS`, `Write redis:// in ${variable}, or switch TLS on in Redis.`)
    }
    return silent(place, SPEAK_MS)
  }
  const trouble = socketTrouble(error, PRODUCT, place)
  if (trouble) return trouble
  if (/Protocol error|closed/i.test(words)) {
    const detail = `${address} (${variable}) does not answer as Redis does: ${words}`
    return told('failed', detail, `If it wants TLS write rediss://; else correct ${variable}.`)
  }
  return told('failed', `${at(place)}: ${words}`, `See its log, and ${variable}.`)
}
