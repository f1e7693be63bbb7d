import { address } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { isNestedDeeper } from '../json-depth.ts'
import type { LogRecord } from './fetch-client.ts'
import type { WrittenRecord } from './log-writer.ts'
import { type Topic, toolRequests } from './topics.ts'

/**
 * A record that is no envelope, kept as the body of one, so that it is a dead letter like any other: seen, and replayed to
 * the topic from which it came.
 */
interface Undecodable {
  readonly undecodable: {
    readonly topic: string
    readonly partition: number
    readonly key: string | null
    /** As text where it is text; what is not is told in base64. */
    readonly value: string
    readonly encoding: 'utf8' | 'base64'
    readonly headers: Readonly<Record<string, string>>
  }
}

export function undecodable(topic: Topic, partition: number, record: LogRecord): Envelope<Undecodable> {
  const { value } = record
  const text = String(value ?? '')
  const isText = value === null || Buffer.from(text).equals(value)
  const headers = Object.entries(record.headers).map(([name, it]) => [name, String(it)] as const)
  return {
    id: `${topic.name}/${partition}/${record.offset}`,
    to: address(topic === toolRequests ? 'tool' : 'session', `${topic.name}/${partition}`),
    from: `kafka:${topic.name}`,
    tenant: '',
    priority: 'normal',
    trace: {},
    sentAt: record.timestamp,
    body: {
      undecodable: {
        topic: topic.name,
        partition,
        key: record.key === null ? null : String(record.key),
        value: isText ? text : (value as Buffer).toString('base64'),
        encoding: isText ? 'utf8' : 'base64',
        headers: Object.fromEntries(headers),
      },
    },
  }
}

/** The record that such an envelope was, to be written again; undefined for an envelope that is one. */
export function recordOf({ body }: Envelope, topicPrefix: string): WrittenRecord | undefined {
  if (typeof body !== 'object' || body === null || !('undecodable' in body)) return undefined
  const { topic, partition, key, value, encoding, headers } = (body as Undecodable).undecodable
  return { topic: topicPrefix + topic, partition, key, value: Buffer.from(value, encoding), headers }
}

/** Deeper JSON stays text: it would overflow the stack of whoever writes it as JSON again. */
const MAX_DEPTH_SHOWN = 200

/** What outsiders see of it in `<topic>.dlq`: the record itself, as JSON where it is JSON. */
export function originalOf(envelope: Envelope): unknown {
  const { body } = envelope
  if (typeof body !== 'object' || body === null || !('undecodable' in body)) return envelope
  const { value } = (body as Undecodable).undecodable
  if (isNestedDeeper(value, MAX_DEPTH_SHOWN)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
