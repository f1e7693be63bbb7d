import net from 'node:net'
import tls from 'node:tls'
import { at, type Place, silent, Trouble } from './probe.ts'
import { socketTrouble } from './socket-trouble.ts'

/** Versions of a request that a broker takes. */
export interface Versions {
  readonly min: number
  readonly max: number
}

const API_VERSIONS = 18
const CORRELATION = 4711
const LARGEST_ANSWER = 1 << 20
/** Less than a look may take: one frozen broker must not hide that the others serve. */
const ANSWER_MS = 1_500

/** ApiVersions v0: size, key, version, correlation id, no client id. Every broker since 0.10 answers it, before any SASL. */
function question(): Buffer {
  const request = Buffer.alloc(14)
  request.writeInt32BE(10, 0)
  request.writeInt16BE(API_VERSIONS, 4)
  request.writeInt16BE(0, 6)
  request.writeInt32BE(CORRELATION, 8)
  request.writeInt16BE(-1, 12)
  return request
}

/**
 * What a broker can speak, asked by hand: kafkajs keeps it to itself, and reports a listener that wants TLS, one that
 * is silent and one that is no broker in the same words.
 */
export function apiVersions(
  broker: { readonly host: string; readonly port: number; readonly ssl: boolean },
  place: Place,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Versions>> {
  const { host, port, ssl } = broker
  return new Promise((resolve, reject) => {
    const begin = () => socket.write(question())
    const socket: net.Socket = ssl
      ? tls.connect({ host, port, ...(net.isIP(host) === 0 && { servername: host }) }, begin)
      : net.connect({ host, port }, begin)
    let answer = Buffer.alloc(0)
    const fail = (trouble: Trouble) => {
      socket.destroy()
      reject(trouble)
    }
    socket.setTimeout(ANSWER_MS, () => fail(silent(place, ANSWER_MS)))
    signal.addEventListener('abort', () => fail(silent(place, ANSWER_MS)), { once: true })
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length < 4) return
      const size = answer.readInt32BE(0)
      if (size < 10 || size > LARGEST_ANSWER) return fail(noBroker(place))
      if (answer.length < size + 4) return
      socket.destroy()
      const versions = read(answer.subarray(4, size + 4))
      if (versions) resolve(versions)
      else reject(noBroker(place))
    })
    socket.on('error', (error) => fail(closed(error, ssl, place)))
    socket.on('close', () => fail(closed({ code: 'ECONNRESET' }, ssl, place)))
  })
}

function read(answer: Buffer): ReadonlyMap<number, Versions> | undefined {
  if (answer.readInt32BE(0) !== CORRELATION || answer.readInt16BE(4) !== 0) return undefined
  const count = answer.readInt32BE(6)
  if (count < 1 || answer.length < 10 + count * 6) return undefined
  const versions = new Map<number, Versions>()
  for (let index = 0; index < count; index++) {
    const from = 10 + index * 6
    versions.set(answer.readInt16BE(from), { min: answer.readInt16BE(from + 2), max: answer.readInt16BE(from + 4) })
  }
  return versions
}

const noBroker = (place: Place) =>
  new Trouble('misconfigured', `what answers at ${at(place)} is not a Kafka broker`, `Correct ${place.variable}.`)

function closed(error: unknown, ssl: boolean, place: Place): Trouble {
  const trouble = socketTrouble(error, 'Kafka', place)
  if (ssl && trouble?.kind === 'tls') {
    return new Trouble('tls', trouble.message, `${trouble.remedy} See KAFKA_SECURITY_PROTOCOL.`, error)
  }
  if (trouble && trouble.kind !== 'failed') return trouble
  const guess = ssl ? 'without TLS' : 'that wants TLS (KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL)'
  return new Trouble(
    'tls',
    `${at(place)} ended the connection instead of answering: a listener ${guess}, or no Kafka`,
    `Make KAFKA_SECURITY_PROTOCOL fit the listener, or correct ${place.variable}.`,
    error,
  )
}
