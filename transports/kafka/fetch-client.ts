import { createRequire } from 'node:module'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { clientOptions } from './connection.ts'
import type { KafkaSettings } from './settings.ts'

/**
 * Fetching without a consumer group. kafkajs's consumer can only read as a member of a group, and a group brings what we do
 * not want (ADR 0007): a join before the first message, positions reset by a rebalance, all partitions stalled while one
 * broker is away. Its cluster and broker objects below that do exactly what is needed; they are reached for here and
 * nowhere else, so the version of kafkajs is pinned.
 */
export interface FetchClient {
  connect(topics: readonly string[]): Promise<void>
  /** Broker that leads the partition, as far as the last metadata say. */
  leaderOf(topic: string, partition: number): number | undefined
  brokers(): readonly number[]
  refresh(): Promise<void>
  /** Waits up to `maxWaitMs` for something to come. Rejects with OffsetOutOfRange or whatever went wrong with the broker. */
  fetch(broker: number, wanted: readonly WantedPartition[], maxWaitMs: number): Promise<readonly FetchedPartition[]>
  /** The first offset that is kept, or the next that will be written. */
  edge(topic: string, partition: number, which: 'earliest' | 'latest'): Promise<number>
  /** Breaks the connection to a broker that does not answer; the next fetch makes another. */
  drop(broker: number): Promise<void>
  close(): Promise<void>
}

export interface WantedPartition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LogRecord[]
  /** The offset after the last record that is committed. */
  readonly end: number
  /** Where nothing but markers of somebody's transactions came: the last of them. Asked for again they would come again. */
  readonly skipped?: number
}

export interface LogRecord {
  readonly offset: number
  /** Epoch milliseconds. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | undefined>>
}

export class OffsetOutOfRange extends Error {
  readonly topic: string
  readonly partition: number

  constructor(topic: string, partition: number) {
    super(`the offset asked for is not in ${topic}/${partition}`)
    this.topic = topic
    this.partition = partition
  }
}

/** What is used of kafkajs's insides. */
interface InnerCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  getNodeIds(): string[]
  findTopicPartitionMetadata(topic: string): readonly { partitionId: number; leader: number }[]
  findBroker(which: { nodeId: string }): Promise<InnerBroker>
  fetchTopicsOffset(
    topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]>
}

interface InnerBroker {
  disconnect(): Promise<void>
  fetch(request: object): Promise<{ responses: readonly InnerResponse[] }>
}

interface InnerResponse {
  readonly topicName: string
  readonly partitions: readonly {
    readonly partition: number
    readonly highWatermark: string
    readonly messages: readonly {
      readonly offset: string
      readonly timestamp: string
      readonly key: Buffer | null
      readonly value: Buffer | null
      readonly headers?: Record<string, Buffer>
      readonly isControlRecord?: boolean
    }[]
  }[]
}

const require = createRequire(import.meta.url)
const Cluster = require('kafkajs/src/cluster') as new (options: object) => InnerCluster
const { createLogger } = require('kafkajs/src/loggers') as {
  createLogger(options: { level: number; logCreator: unknown }): object
}

const READ_UNCOMMITTED = 0 // nobody here writes transactions
const MAX_BYTES = 16 * 1024 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024
const METADATA_MS = 60_000
/** Trying again is the reader's own business: it must see a failure soon, to look for another leader. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 200, retries: 1 }

export function fetchClient(settings: KafkaSettings, options: { clientId: string; log: Logger }): FetchClient {
  const { logLevel, logCreator, ...connection } = clientOptions(settings, { ...options, retry: RETRY })
  const cluster = new Cluster({
    ...connection,
    logger: createLogger({ level: logLevel ?? 1, logCreator }),
    metadataMaxAge: METADATA_MS,
    allowAutoTopicCreation: false,
    isolationLevel: READ_UNCOMMITTED,
  })
  /** Leaders by topic, rebuilt from metadata when asked first: kafkajs searches lists for each question. */
  let leaders = new Map<string, Map<number, number>>()
  const forget = () => {
    leaders = new Map()
  }

  return {
    async connect(topics) {
      await cluster.connect()
      await cluster.addMultipleTargetTopics(topics)
      forget()
    },
    leaderOf(topic, partition) {
      let known = leaders.get(topic)
      if (known === undefined) {
        known = new Map(cluster.findTopicPartitionMetadata(topic).map((it) => [it.partitionId, it.leader]))
        leaders.set(topic, known)
      }
      const leader = known.get(partition)
      return leader === -1 ? undefined : leader
    },
    brokers: () => cluster.getNodeIds().map(Number),
    async refresh() {
      await cluster.refreshMetadata()
      forget()
    },
    async fetch(nodeId, wanted, maxWaitTime) {
      const broker = await cluster.findBroker({ nodeId: String(nodeId) })
      try {
        const { responses } = await broker.fetch({
          replicaId: -1,
          isolationLevel: READ_UNCOMMITTED,
          maxWaitTime,
          minBytes: 1,
          maxBytes: MAX_BYTES,
          topics: byTopic(wanted),
        })
        return responses.flatMap(({ topicName, partitions }) => partitions.map((it) => fetched(topicName, it)))
      } catch (error) {
        const { name, topic, partition } = error as { name?: string; topic?: string; partition?: number }
        if (name !== 'KafkaJSOffsetOutOfRange' || topic === undefined || partition === undefined) throw error
        throw new OffsetOutOfRange(topic, partition)
      }
    },
    async edge(topic, partition, which) {
      const [found] = await cluster.fetchTopicsOffset([
        { topic, partitions: [{ partition }], fromBeginning: which === 'earliest' },
      ])
      return Number(found?.partitions[0]?.offset ?? 0)
    },
    async drop(nodeId) {
      const broker = await cluster.findBroker({ nodeId: String(nodeId) }).catch(() => undefined)
      await broker?.disconnect()
    },
    close: () => cluster.disconnect(),
  }
}

function byTopic(wanted: readonly WantedPartition[]) {
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>()
  for (const { topic, partition, offset } of wanted) {
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    partitions.push({ partition, fetchOffset: String(offset), maxBytes: MAX_PARTITION_BYTES })
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

const noHeaders = Object.freeze({})

function fetched(topic: string, data: InnerResponse['partitions'][number]): FetchedPartition {
  const last = data.messages.at(-1)
  return {
    topic,
    partition: data.partition,
    end: Number(data.highWatermark),
    ...(last?.isControlRecord && { skipped: Number(last.offset) }),
    records: data.messages
      .filter((message) => !message.isControlRecord)
      .map((message) => ({
        offset: Number(message.offset),
        timestamp: Number(message.timestamp),
        key: message.key,
        value: message.value,
        headers: message.headers ?? noHeaders,
      })),
  }
}
