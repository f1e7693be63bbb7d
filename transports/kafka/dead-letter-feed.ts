import type { DeadLetter, DeadLetters } from '../../actors/kernel/dead-letters.ts'
import { isFailure } from '../../actors/kernel/failure.ts'
import type { LogWriter } from './log-writer.ts'
import { deadLetterTopicOf, topicOf, topics } from './topics.ts'
import { originalOf } from './undecodable.ts'

/**
 * Dead letters, each also published on `<topic>.dlq` in the old stack's shape. Published first: a crash in between publishes
 * it twice, never not at all; the list in the database, which can be replayed, has it once.
 */
export function publishedDeadLetters(
  deadLetters: DeadLetters,
  { writer, topicPrefix }: { readonly writer: Pick<LogWriter, 'write'>; readonly topicPrefix: string },
): DeadLetters {
  return {
    async park(letter) {
      const topic = deadLetterTopicOf(topics.find(({ name }) => name === letter.source) ?? topicOf(letter.envelope))
      const publish = (shown: object) =>
        writer.write({
          topic: topicPrefix + topic.name,
          partition: partitionOf(letter.envelope.to, topic.partitions),
          key: letter.envelope.to,
          value: Buffer.from(JSON.stringify(shown)),
          headers: { 'content-type': 'application/json' },
        })
      const shown = publicLetter(letter)
      try {
        await publish(shown)
      } catch (error) {
        // Quoted it is longer than it was. Not parked it would never be settled; the database has all of it.
        if (!isFailure(error, 'PAYLOAD_TOO_LARGE')) throw error
        await publish({
          ...shown,
          original_event: null,
          error_message: `${shown.error_message} (too large to be shown)`,
        })
      }
      await deadLetters.park(letter)
    },
    list: (query) => deadLetters.list(query),
    get: (id) => deadLetters.get(id),
    remove: (id) => deadLetters.remove(id),
  }
}

function publicLetter({ envelope, source, code, detail, retries, at }: Omit<DeadLetter, 'id'>) {
  return {
    original_event: originalOf(envelope),
    source_topic: topics.some(({ name }) => name === source) ? source : topicOf(envelope).name,
    error_message: detail,
    error_type: code,
    retry_count: retries,
    timestamp: at / 1_000,
  }
}

/** Any spread will do: nobody's order depends on it. */
function partitionOf(key: string, partitions: number): number {
  let sum = 0
  for (let i = 0; i < key.length; i++) sum += key.charCodeAt(i)
  return sum % partitions
}
