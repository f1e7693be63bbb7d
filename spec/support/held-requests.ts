import type { Producer, ProducerBatch, RecordMetadata } from 'kafkajs'
import { LogWriter, type WrittenRecord } from '../../transports/kafka/log-writer.ts'
import { until } from './probe.ts'

export interface HeldRequest {
  readonly batch: ProducerBatch
  readonly names: readonly string[]
  answer(...stored: Partial<RecordMetadata>[]): void
  fail(error: Error): void
}

/** A producer whose requests end when the spec says so. */
export function givenRequests(over: { acks?: 'all' | 'leader'; linger?: () => Promise<void> } = {}) {
  const requests: HeldRequest[] = []
  const sendBatch = (batch: ProducerBatch) =>
    new Promise<RecordMetadata[]>((resolve, fail) => {
      const names = (batch.topicMessages ?? []).flatMap(({ messages }) => messages.map(({ key }) => String(key)))
      requests.push({ batch, names, answer: (...stored) => resolve(stored as RecordMetadata[]), fail })
    })
  const outcomes: string[] = []
  const writer = new LogWriter({
    producer: { sendBatch } as unknown as Producer,
    acks: 'all',
    seconds: () => 0,
    written: (count, _, result) => outcomes.push(`${count} ${result}`),
    ...over,
  })
  const write = (name: string, over: Partial<WrittenRecord> = {}) => {
    const written = writer.write({ topic: 't', partition: 0, key: name, value: null, ...over })
    written.catch(() => {})
    return written
  }
  const next = async () => {
    await until(() => requests.length > 0, 'a request')
    return requests.shift() as HeldRequest
  }
  return { writer, write, next, requests, outcomes }
}
