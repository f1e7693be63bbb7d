import { createRequire } from 'node:module'
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

/**
 * kafkajs's own sending, on two brokers that are not there: partition 0 is led by the first and partition 1 by the second,
 * which dies with the request; when kafkajs looks again, the first leads both.
 */
export function givenKafkajs() {
  const require = createRequire(import.meta.url)
  const sendMessages = require('kafkajs/src/producer/sendMessages')
  const createRetry = require('kafkajs/src/retry')
  const leaders = new Map([
    [0, '1'],
    [1, '2'],
  ])
  const sentTo: string[] = []
  const brokers = ['1', '2'].map((nodeId) => ({
    nodeId,
    async produce({ topicData }: { topicData: { partitions: { partition: number }[] }[] }) {
      const partitions = topicData.flatMap((one) => one.partitions.map(({ partition }) => partition))
      sentTo.push(`${nodeId}: ${partitions}`)
      if (nodeId === '2') {
        leaders.set(1, '1')
        throw Object.assign(new Error('gone'), { name: 'KafkaJSConnectionError', retriable: true })
      }
      return {
        topics: [{ topicName: 't', partitions: partitions.map((partition) => ({ partition, baseOffset: '5' })) }],
      }
    },
  }))
  const cluster = {
    addMultipleTargetTopics: async () => {},
    refreshMetadata: async () => {},
    refreshMetadataIfNecessary: async () => {},
    isConnected: () => true,
    findTopicPartitionMetadata: () => [...leaders].map(([partitionId, leader]) => ({ partitionId, leader })),
    findLeaderForPartitions: (_: string, partitions: string[]) => {
      const found: Record<string, number[]> = {}
      for (const partition of partitions.map(Number)) {
        const leader = leaders.get(partition) as string
        found[leader] = [...(found[leader] ?? []), partition]
      }
      return found
    },
    findBroker: async ({ nodeId }: { nodeId: string }) => brokers.find((broker) => broker.nodeId === nodeId),
  }
  const quiet = { debug() {}, error() {}, warn() {}, info() {} }
  const eosManager = {
    acquireBrokerLock: async () => {},
    releaseBrokerLock: async () => {},
    isTransactional: () => false,
    getSequence: () => 0,
    updateSequence() {},
    getProducerId: () => -1,
    getProducerEpoch: () => 0,
  }
  const send = sendMessages({
    logger: quiet,
    cluster,
    partitioner: ({ message }: { message: { partition: number } }) => message.partition,
    eosManager,
    retrier: createRetry({ initialRetryTime: 1, maxRetryTime: 1, retries: 3 }),
  })
  const messages = [0, 1].map((partition) => ({ partition, key: null, value: 'x' }))
  const createSend = (): Promise<{ partition: number }[]> =>
    send({ acks: -1, timeout: 1_000, topicMessages: [{ topic: 't', messages }] })
  return { createSend, sentTo, moved: () => leaders.get(1) === '1' }
}
