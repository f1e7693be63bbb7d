import type { Admin } from 'kafkajs'
import type { ActorKind } from '../../actors/kernel/address.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock as clock } from '../../infra/clock.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import type { LogOffsets, LogPartition, LogWatermark } from '../../persistence/log-offsets.ts'
import { kafkaClient } from '../../transports/kafka/connection.ts'
import { ensureTopics } from '../../transports/kafka/ensure-topics.ts'
import { type FetchClient, fetchClient } from '../../transports/kafka/fetch-client.ts'
import { KafkaMailbox } from '../../transports/kafka/kafka-mailbox.ts'
import { LogReader } from '../../transports/kafka/log-reader.ts'
import { LogWriter } from '../../transports/kafka/log-writer.ts'
import { inbound, type Topic, toolResults } from '../../transports/kafka/topics.ts'
import { freshTopics } from './test-services.ts'

/** The topics that sessions read, on real brokers, for one suite; each mailbox of it begins where the log ends. */
export class KafkaUnderTest {
  readonly prefix: string
  private readonly fresh: ReturnType<typeof freshTopics>
  private readonly settings
  private readonly kafka
  private readonly producer

  constructor(brokers: string) {
    this.fresh = freshTopics(brokers)
    this.prefix = this.fresh.prefix
    this.settings = {
      brokers: this.fresh.brokers,
      ssl: false,
      sasl: undefined,
      topicPrefix: this.prefix,
      replication: 0,
    }
    this.kafka = kafkaClient(this.settings, { clientId: 'spec', log: silentLogger })
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false })
  }

  async open(topics: readonly Topic[] = [inbound, toolResults]): Promise<this> {
    const admin = this.kafka.admin()
    await admin.connect()
    await ensureTopics(admin, this.settings, topics, { clock, log: silentLogger })
    await admin.disconnect()
    await this.producer.connect()
    return this
  }

  async close(): Promise<void> {
    await this.producer.disconnect()
    await this.fresh.drop()
  }

  writer(): LogWriter {
    return new LogWriter({ producer: this.producer, acks: 'all', seconds: () => 0 })
  }

  async administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin()
    await admin.connect()
    return work(admin).finally(() => admin.disconnect())
  }

  client(): FetchClient {
    return fetchClient(this.settings, { clientId: 'spec', log: silentLogger })
  }

  async reader(topics: readonly Topic[] = [inbound, toolResults]): Promise<LogReader> {
    const reader = new LogReader({ client: this.client(), clock, log: silentLogger })
    await reader.start(topics.map(({ name }) => this.prefix + name))
    return reader
  }

  /** Offsets of a mailbox that begins now: what specs before wrote is below its watermarks. */
  async offsetsFromNow(): Promise<LogOffsets> {
    const admin = this.kafka.admin()
    await admin.connect()
    const offsets = new Map<string, number>()
    for (const { name } of [inbound, toolResults]) {
      for (const { partition, offset } of await admin.fetchTopicOffsets(this.prefix + name)) {
        offsets.set(`${this.prefix}${name}/${partition}`, Number(offset))
      }
    }
    await admin.disconnect()
    const keyOf = ({ topic, partition }: LogPartition) => `${topic}/${partition}`
    return {
      load: async (partitions) => partitions.map((it) => offsets.get(keyOf(it))),
      async advance(rows: readonly LogWatermark[]) {
        for (const row of rows) offsets.set(keyOf(row), Math.max(row.watermark, offsets.get(keyOf(row)) ?? 0))
      },
    }
  }

  mailbox(reader: LogReader, offsets: LogOffsets, over: Partial<KafkaMailbox['options']> = {}): KafkaMailbox {
    return new KafkaMailbox({
      writer: this.writer(),
      reader,
      offsets,
      topicPrefix: this.prefix,
      leaseOf: (kind: ActorKind, shard: number): ShardLease => ({ kind, shard, owner: 'spec', epoch: 1 }),
      strangers: { foreign: async () => {}, refused: async () => {}, watched: () => {} },
      clock,
      log: silentLogger,
      // Closing stores at once; on a busy machine a quarter of a second is over before the crash that must come before it.
      flushMs: 60_000,
      ...over,
    })
  }
}
