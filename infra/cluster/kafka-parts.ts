import { Partitioners } from 'kafkajs'
import type { Clock } from '../../actors/kernel/clock.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { kafkaClient } from '../../transports/kafka/connection.ts'
import { ensureTopics } from '../../transports/kafka/ensure-topics.ts'
import { fetchClient } from '../../transports/kafka/fetch-client.ts'
import { LogReader } from '../../transports/kafka/log-reader.ts'
import { LogWriter } from '../../transports/kafka/log-writer.ts'
import type { KafkaSettings } from '../../transports/kafka/settings.ts'
import { delegation, mailboxTopics, topics } from '../../transports/kafka/topics.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { monotonicSeconds } from '../telemetry/measured.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** A killed broker's partitions have a new leader within a few seconds; a send waits for that rather than fail. */
const PRODUCER_RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 30 }

/**
 * Readers of conversation.outbound wait a little longer, and a partition's records travel together: with 100 ms instead of 25 the
 * brokers' share of a turn fell from 0.52 to 0.33 ms of CPU (docs/BENCHMARKS.md). Live text does not go this way.
 */
const FEED_LINGER_MS = 100

export type KafkaParts = Awaited<ReturnType<typeof openKafka>>

/** The logs of a process: topics as they must be, one reader, a writer for messages and one for events. */
export async function openKafka(
  settings: KafkaSettings,
  parts: { clientId: string; clock: Clock; log: Logger; lifecycle: Lifecycle; metrics: Metrics },
) {
  const { clientId, clock, log, lifecycle, metrics } = parts
  const kafka = kafkaClient(settings, { clientId, log, retry: PRODUCER_RETRY })
  const admin = await lifecycle.start(
    'Kafka admin',
    async () => {
      const it = kafka.admin()
      await it.connect()
      return it
    },
    (it) => it.disconnect(),
  )
  await ensureTopics(admin, settings, topics, { clock, log })
  const producer = await lifecycle.start(
    'Kafka producer',
    async () => {
      const it = kafka.producer({
        allowAutoTopicCreation: false,
        // Every record names its partition; left out, kafkajs warns of having changed its default.
        createPartitioner: Partitioners.DefaultPartitioner,
        metadataMaxAge: 60_000,
        retry: PRODUCER_RETRY,
      })
      await it.connect()
      return it
    },
    (it) => it.disconnect(),
  )
  const client = fetchClient(settings, { clientId, log })
  const reader = new LogReader({ client, clock, log, restarted: () => metrics.consumerRestarted() })
  await lifecycle.start(
    'Kafka reader',
    () =>
      reader.start([...Object.values(mailboxTopics).flat(), delegation].map(({ name }) => settings.topicPrefix + name)),
    () => reader.close(),
  )
  const linger = () => pause(clock, FEED_LINGER_MS)
  const written = (count: number, seconds: number, result: 'ok' | 'error') => metrics.produced(count, seconds, result)
  return {
    admin,
    reader,
    durable: new LogWriter({ producer, acks: 'all', seconds: monotonicSeconds, written }),
    /** Apart from the durable one: what waits to be published must not hold up what a client waits for. */
    feed: new LogWriter({ producer, acks: 'all', seconds: monotonicSeconds, linger }),
  }
}
