import { type ActorKind, kindOf, SHARDS_PER_KIND } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'

/**
 * Every topic, as data. Those that a kind's shards read have one partition per shard and are keyed by address, so partition
 * p of each belongs to shard p (co-partitioned): changing a partition count moves every actor, and the start refuses it.
 */
export interface Topic {
  readonly name: string
  readonly partitions: number
  /** How long messages are kept; longer than any outage that should lose nothing. */
  readonly retentionMs: number
  readonly meaning: string
}

const DAY_MS = 24 * 3_600_000
const sharded = (name: string, meaning: string): Topic => ({
  name,
  partitions: SHARDS_PER_KIND,
  retentionMs: 7 * DAY_MS,
  meaning,
})
const feed = (name: string, partitions: number, meaning: string): Topic => ({
  name,
  partitions,
  retentionMs: 7 * DAY_MS,
  meaning,
})

export const inbound = sharded('conversation.inbound', 'messages to sessions')
/** For outsiders, both ways; what earlier versions sent between nodes here is still read. */
export const toolResults = sharded('tool.results', 'results of tool calls that outsiders asked for or ran, as JSON')
export const toolRequests = sharded('tool.requests', 'calls, to tools')
export const memoryRequests = sharded('memory.requests', 'requests, to memory shards')
export const outbound = sharded('conversation.outbound', 'every event of every session, as JSON, keyed by session')
/** Read by the owners of the session shards of the same numbers, as a topic for outsiders alone. */
export const delegation = feed('somastack.delegation', 3, 'delegated tasks')
export const memoryWal = feed('memory.wal', 3, 'changes of memory, for replicas')
/** What a shard of a kind reads. */
export const mailboxTopics: Readonly<Record<ActorKind, readonly Topic[]>> = {
  session: [inbound, toolResults],
  tool: [toolRequests],
  memory: [memoryRequests],
}

const deadLetterTopicName = (topic: Topic) => `${topic.name}.dlq`
const deadLetterTopics = [inbound, outbound, toolRequests, toolResults, memoryRequests, delegation].map((topic) =>
  feed(deadLetterTopicName(topic), 3, `what could not be handled of ${topic.name}, with its cause`),
)

export const topics: readonly Topic[] = [
  inbound,
  outbound,
  toolRequests,
  toolResults,
  memoryRequests,
  memoryWal,
  feed('config_updates', 1, 'changed settings'),
  delegation,
  feed('slm.metrics', 3, 'model calls, as telemetry'),
  feed('tool.metrics', 3, 'tool calls, as telemetry'),
  feed('audio.metrics', 3, 'reserved by the old stack'),
  feed('budget.events', 3, 'budgets reached'),
  feed('llm.escalation.metrics', 3, 'escalations, as telemetry'),
  feed('soma.health', 1, 'health summaries of every process at its start'),
  ...deadLetterTopics,
]

/**
 * Where an envelope travels. Results of tools reach their sessions as any message does: on `tool.results` a reader of the
 * old stack, which parses every record as JSON, would break at the first of them.
 */
export function topicOf({ to }: Pick<Envelope, 'to'>): Topic {
  switch (kindOf(to)) {
    case 'session':
      return inbound
    case 'tool':
      return toolRequests
    case 'memory':
      return memoryRequests
  }
}

export function deadLetterTopicOf(topic: Topic): Topic {
  const name = deadLetterTopicName(topic)
  return deadLetterTopics.find((it) => it.name === name) ?? topic
}
