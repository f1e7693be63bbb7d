import net from 'node:net'
import tls from 'node:tls'
import {
  type ISocketFactoryArgs,
  Kafka,
  type KafkaConfig,
  type LogEntry,
  logLevel,
  type RetryOptions,
  type SASLOptions,
} from 'kafkajs'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { KafkaSettings } from './settings.ts'

export interface KafkaClientOptions {
  /** What brokers call us in their logs and quotas. */
  readonly clientId: string
  readonly log: Logger
  /** Of kafkajs when left out: five tries, 0.3 s to 30 s apart. */
  readonly retry?: RetryOptions
  /** A probe that must tell a broker's silence apart within seconds waits less. */
  readonly connectionTimeoutMs?: number
  readonly requestTimeoutMs?: number
}

const CONNECTION_TIMEOUT_MS = 2_000
const REQUEST_TIMEOUT_MS = 5_000
const KEEP_ALIVE_MS = 60_000

/** Every client of the brokers is made here: one way to connect, to prove who we are and to log. */
export function kafkaClient(settings: KafkaSettings, options: KafkaClientOptions): Kafka {
  return new Kafka(clientOptions(settings, options))
}

export function clientOptions(settings: KafkaSettings, options: KafkaClientOptions): KafkaConfig {
  return {
    clientId: options.clientId,
    brokers: [...settings.brokers],
    ssl: settings.ssl,
    ...(settings.sasl && { sasl: saslOf(settings.sasl) }),
    socketFactory: connect,
    connectionTimeout: options.connectionTimeoutMs ?? CONNECTION_TIMEOUT_MS,
    authenticationTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    ...(options.retry && { retry: options.retry }),
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => relate(options.log, entry),
  }
}

/** As kafkajs connects, but without Nagle: it holds a small request back until the last one was acknowledged. */
function connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): net.Socket {
  const address = { host, port }
  const servername = net.isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl ? tls.connect(Object.assign(address, servername, ssl), onConnect) : net.connect(address, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  return socket
}

function saslOf({ mechanism, username, password }: NonNullable<KafkaSettings['sasl']>): SASLOptions {
  switch (mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password }
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password }
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password }
  }
}

/** Of what an entry carries, the fields that say where and what; the rest may hold requests, and so anything. */
const told = [
  'broker',
  'clientId',
  'groupId',
  'memberId',
  'topic',
  'partition',
  'error',
  'retryCount',
  'retryTime',
] as const

/**
 * All as warnings: what kafkajs calls an error it mostly mends itself by trying again, and when it gives up, whoever called
 * gets the failure and says so.
 */
function relate(log: Logger, { namespace, log: entry }: LogEntry): void {
  const fields: Record<string, unknown> = { part: namespace === '' ? 'kafkajs' : `kafkajs ${namespace}` }
  for (const name of told) if (entry[name] !== undefined) fields[name] = entry[name]
  log.warn(fields, entry.message)
}
