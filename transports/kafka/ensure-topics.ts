import type { Admin } from 'kafkajs'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { MAX_RECORD_BYTES } from './log-writer.ts'
import type { KafkaSettings } from './settings.ts'
import type { Topic } from './topics.ts'

const USUAL_COPIES = 3
/** Records carry headers and a batch's frame besides their value. */
const FRAME_BYTES = 64 * 1024
const LEADERS_WAIT_MS = 15_000
/** Brokers make a few hundred partitions one after another, which takes a busy machine a while; only at the very first start. */
const MAKING_WAIT_MS = 60_000
const LOOK_MS = 250

/**
 * Makes the topics that are missing and checks those that are there. A topic with another number of partitions is refused:
 * the shard of every address would move, and with it the state's owner (topics.ts).
 */
export async function ensureTopics(
  admin: Admin,
  settings: KafkaSettings,
  topics: readonly Topic[],
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<void> {
  const named = topics.map((topic) => ({ ...topic, name: settings.topicPrefix + topic.name }))
  const there = new Set(await admin.listTopics())
  const missing = named.filter(({ name }) => !there.has(name))
  if (missing.length > 0) {
    const { brokers } = await admin.describeCluster()
    const copies = settings.replication || Math.min(USUAL_COPIES, brokers.length)
    const making = admin.createTopics({
      // Several processes of a cluster start at once; who comes second finds it made.
      topics: missing.map(({ name, partitions, retentionMs }) => ({
        topic: name,
        numPartitions: partitions,
        replicationFactor: copies,
        configEntries: [
          { name: 'retention.ms', value: String(retentionMs) },
          { name: 'max.message.bytes', value: String(MAX_RECORD_BYTES + FRAME_BYTES) },
          // With three copies an acknowledged record survives the loss of any one broker, and two suffice to go on (I1).
          { name: 'min.insync.replicas', value: String(copies >= USUAL_COPIES ? copies - 1 : 1) },
        ],
      })),
      waitForLeaders: false,
    })
    await making.then(
      () => log.info({ topics: missing.map(({ name }) => name), copies }, 'topics were made'),
      (error: Error) => {
        // Brokers that are slow make them all the same, or in part: then the next start asks for the rest.
        if (!/timed out/.test(error.message)) throw error
        log.warn({ error: error.message }, 'the brokers take long to make the topics; waiting for them')
      },
    )
  }
  const until = clock.now() + (missing.length > 0 ? MAKING_WAIT_MS : LEADERS_WAIT_MS)
  for (;;) {
    const wrong = (await mismatches(admin, named)) ?? (await unled(admin, missing))
    if (wrong === undefined) return
    if (clock.now() > until) throw new Failure('DEPENDENCY_UNAVAILABLE', wrong)
    await pause(clock, LOOK_MS)
  }
}

/** What is not as it should be yet; throws for what will never be. */
async function mismatches(admin: Admin, topics: readonly Topic[]): Promise<string | undefined> {
  const found = await admin
    .fetchTopicMetadata({ topics: topics.map(({ name }) => name) })
    .catch((error: Error) => error)
  if (found instanceof Error) return `Kafka does not describe its topics: ${found.message}`
  for (const { name, partitions } of topics) {
    const topic = found.topics.find((it) => it.name === name)
    if (topic === undefined || topic.partitions.length === 0) return `Kafka has no topic ${name} yet`
    if (topic.partitions.length !== partitions) {
      throw new Failure(
        'CONFIG_INVALID',
        `the topic ${name} has ${topic.partitions.length} partitions, but needs ${partitions}: make it anew, or set ` +
          'SOMA_TOPIC_PREFIX for a set of topics of its own',
      )
    }
    if (topic.partitions.some(({ leader }) => leader < 0)) return `partitions of ${name} have no leader`
  }
  return undefined
}

/** The metadata name a leader a moment before that broker knows it. */
async function unled(admin: Admin, made: readonly Topic[]): Promise<string | undefined> {
  for (const { name } of made) {
    const offsets = await admin.fetchTopicOffsets(name).catch((error: Error) => error)
    if (offsets instanceof Error) return `Kafka does not lead ${name} yet: ${offsets.message}`
  }
  return undefined
}
