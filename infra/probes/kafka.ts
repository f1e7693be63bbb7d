import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { kafkaClient } from '../../transports/kafka/connection.ts'
import type { KafkaSettings } from '../../transports/kafka/settings.ts'
import { apiVersions, type Versions } from './kafka-api-versions.ts'
import { at, type Place, type Probe, silent, Trouble, wordsOf } from './probe.ts'
import { reach, socketTrouble } from './socket-trouble.ts'

const PRODUCT = 'Kafka'
const VARIABLE = 'KAFKA_BOOTSTRAP_SERVERS'
const SPEAK_MS = 2_500

/** What kafkajs 2.2.4 speaks, from the version on that carries headers (0.11). */
const spoken: readonly { readonly name: string; readonly key: number; readonly versions: Versions }[] = [
  { name: 'Produce', key: 0, versions: { min: 3, max: 7 } },
  { name: 'Fetch', key: 1, versions: { min: 4, max: 11 } },
  { name: 'ListOffsets', key: 2, versions: { min: 0, max: 3 } },
  { name: 'Metadata', key: 3, versions: { min: 0, max: 6 } },
  { name: 'CreateTopics', key: 19, versions: { min: 0, max: 3 } },
]

export function kafkaProbe(settings: KafkaSettings): Probe {
  const place = { address: settings.brokers.join(','), variable: VARIABLE }
  return {
    name: 'kafka',
    required: true,
    place,
    async look(signal) {
      const looks = await Promise.allSettled(settings.brokers.map((broker) => fitBroker(broker, settings, signal)))
      const fit = looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []))
      // A broker may be down while the others serve; only when none is fit is the cluster not.
      if (fit.length === 0) throw looks.find((look) => look.status === 'rejected')?.reason
      const brokers = await describe({ ...settings, brokers: fit }, place, signal)
      await reachable(brokers, place, signal)
      const missing = settings.brokers.length - fit.length
      return `${counted(brokers.length, 'broker')}${missing > 0 ? ` (${missing} of ${settings.brokers.length} addresses do not answer)` : ''}`
    },
  }
}

/** The broker's own address, when it speaks what we need. */
async function fitBroker(broker: string, settings: KafkaSettings, signal: AbortSignal): Promise<string> {
  const place = { address: broker, variable: VARIABLE }
  const { host, port } = hostAndPort(broker)
  await reach(host, port, PRODUCT, place, signal)
  const versions = await apiVersions({ host, port, ssl: settings.ssl }, place, signal)
  for (const { name, key, versions: ours } of spoken) {
    const theirs = versions.get(key)
    if (theirs && theirs.min <= ours.max && theirs.max >= ours.min) continue
    const old = !theirs || theirs.max < ours.min
    const has = theirs ? `${theirs.min} to ${theirs.max}` : 'none'
    throw new Trouble(
      'version',
      `the broker at ${at(place)} is too ${old ? 'old' : 'new'}: of ${name} it speaks ${has}, and ${ours.min} to ${ours.max} are needed`,
      old ? 'Upgrade it to Kafka 2.1 or newer (0.11 at least).' : 'Run a Kafka that still speaks them (4.1 does).',
    )
  }
  return broker
}

interface Broker {
  readonly host: string
  readonly port: number
}

async function describe(settings: KafkaSettings, place: Place, signal: AbortSignal): Promise<readonly Broker[]> {
  const kafka = kafkaClient(settings, {
    clientId: 'somaagent-probe',
    log: silentLogger,
    retry: { retries: 0 },
    connectionTimeoutMs: SPEAK_MS,
    requestTimeoutMs: SPEAK_MS,
  })
  const admin = kafka.admin()
  const leave = () => void admin.disconnect().catch(() => {})
  signal.addEventListener('abort', leave, { once: true })
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers
  } catch (error) {
    throw troubleOf(error, settings, place)
  } finally {
    leave()
  }
}

function troubleOf(error: unknown, { sasl }: KafkaSettings, place: Place): Trouble {
  const words = wordsOf(error)
  const told = (kind: Trouble['kind'], detail: string, remedy: string) => new Trouble(kind, detail, remedy, error)
  if (/SASL/i.test(`${(error as Error).name} ${words}`)) {
    const off = /SASL state|not enabled|not support|unsupported|handshake/i.test(words)
    const why = off ? `takes no SASL ${sasl?.mechanism ?? ''}` : `refuses user ${sasl?.username ?? ''}`
    const remedy = off
      ? 'Make KAFKA_SECURITY_PROTOCOL and KAFKA_SASL_MECHANISM fit the listener.'
      : 'Correct KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.'
    return told('unauthorized', `${at(place)} ${why}: ${words}`, remedy)
  }
  if (sasl === undefined && /closed connection/i.test(words)) {
    const detail = `${at(place)} ended the connection when asked without a user`
    return told('unauthorized', detail, 'If the listener wants SASL set KAFKA_SECURITY_PROTOCOL and KAFKA_SASL_*.')
  }
  if (/timed? ?out/i.test(words)) return silent(place, SPEAK_MS)
  return (
    socketTrouble(error, PRODUCT, place) ??
    told('failed', `${at(place)}: ${words}`, `See the brokers' log, and ${VARIABLE}.`)
  )
}

/** The usual trap of brokers in containers: they answer, and then send the client to a name that only they know. */
async function reachable(brokers: readonly Broker[], place: Place, signal: AbortSignal): Promise<void> {
  const looks = await Promise.allSettled(brokers.map(({ host, port }) => reach(host, port, PRODUCT, place, signal)))
  if (looks.some(({ status }) => status === 'fulfilled')) return
  const named = brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
  throw new Trouble(
    'misconfigured',
    `${at(place)} answers, but sends its clients to ${named || 'no broker'}, which cannot be reached from here`,
    'Set advertised.listeners of the brokers to addresses that this machine can reach.',
  )
}

function hostAndPort(broker: string): Broker {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) }
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`
