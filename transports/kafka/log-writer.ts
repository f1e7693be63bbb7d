import type { Producer, RecordMetadata } from 'kafkajs'
import { Batcher } from '../../actors/kernel/batcher.ts'
import { Failure } from '../../actors/kernel/failure.ts'

export interface WrittenRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
}

/** Of a record; the topics are made to take as much (ensure-topics.ts). */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024
const MAX_BATCH = 500

export interface LogWriterOptions {
  readonly producer: Producer
  /** all: a record survives the loss of any one broker (I1). leader: it may be lost with the leader; for soft state. */
  readonly acks: 'all' | 'leader'
  readonly written?: (count: number, seconds: number, result: 'ok' | 'error') => void
  readonly seconds: () => number
  /** How long a record may wait for others to go with; 0: it goes at once unless a request is in flight. */
  readonly linger?: () => Promise<void>
}

/**
 * Appends records to logs, many in one request.
 *   W1. One request is in flight, so records are stored in the order of `write`: kafkajs sends a failed part again, and a
 *       later request in flight beside it would overtake (I7).
 *   W3. A record is written when a broker has told its offset, and not when kafkajs says that all is sent: where a partition
 *       moves in the middle of a request to a broker that has answered already, kafkajs 2.2.4 sends its records to nobody and
 *       reports success (producer/sendMessages.js asks no broker twice). A drill that killed brokers lost 12 messages of
 *       5,511 by it. What no answer names is sent again (I1).
 *   W2. When `write` rejects, the record may be stored all the same: sending it again must be the same envelope (M4).
 */
export class LogWriter {
  private readonly options: LogWriterOptions
  private readonly batcher: Batcher<WrittenRecord, number>

  constructor(options: LogWriterOptions) {
    this.options = options
    this.batcher = new Batcher((records) => this.send(records), {
      maxBatch: MAX_BATCH,
      ...(options.linger && { gather: options.linger }),
      // A request is read into memory whole at both ends, and brokers close the connection on one of 100 MB.
      sizeOf: ({ value }) => value?.length ?? 0,
      maxSize: MAX_RECORD_BYTES,
      isItemsFault: (error) => /MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE|INVALID_RECORD/.test(typeOf(error)),
      asFailure: (error) =>
        /TOO_LARGE/.test(typeOf(error))
          ? new Failure('PAYLOAD_TOO_LARGE', 'the brokers take no message of this size', { cause: error })
          : new Failure('MAILBOX_UNAVAILABLE', `Kafka: ${messageOf(error)}`, { cause: error, retryAfter: 1 }),
    })
  }

  /** Resolves with the record's offset once it is stored. */
  write(record: WrittenRecord): Promise<number> {
    const size = record.value?.length ?? 0
    if (size > MAX_RECORD_BYTES) {
      const detail = `the message has ${size} bytes; at most ${MAX_RECORD_BYTES} travel between nodes`
      return Promise.reject(new Failure('PAYLOAD_TOO_LARGE', detail))
    }
    return this.batcher.add(record)
  }

  idle(): Promise<void> {
    return this.batcher.idle()
  }

  private async send(records: readonly WrittenRecord[]): Promise<number[]> {
    const { written, seconds } = this.options
    const from = seconds()
    const stored: RecordMetadata[] = []
    try {
      for (let rest = records; rest.length > 0; ) {
        stored.push(...(await this.request(rest)))
        const told = new Set(stored.map(placeOf))
        const untold = rest.filter(({ topic, partition }) => !told.has(`${topic}/${partition}`)) // W3
        if (untold.length === rest.length) throw new Error('the brokers confirm none of the records')
        rest = untold
      }
      written?.(records.length, seconds() - from, 'ok')
      return offsetsOf(records, stored)
    } catch (error) {
      written?.(records.length, seconds() - from, 'error')
      throw error
    }
  }

  private request(records: readonly WrittenRecord[]): Promise<RecordMetadata[]> {
    const topics = new Map<string, WrittenRecord[]>()
    for (const record of records) {
      const sameTopic = topics.get(record.topic)
      if (sameTopic === undefined) topics.set(record.topic, [record])
      else sameTopic.push(record)
    }
    return this.options.producer.sendBatch({
      acks: this.options.acks === 'all' ? -1 : 1,
      topicMessages: [...topics].map(([topic, messages]) => ({
        topic,
        messages: messages.map(({ partition, key, value, headers }) => ({
          partition,
          key,
          value,
          ...(headers && { headers }),
        })),
      })),
    })
  }
}

/** The broker tells the first offset of each partition's batch; the others follow in the order written. */
function offsetsOf(records: readonly WrittenRecord[], stored: readonly RecordMetadata[]): number[] {
  const next = new Map(stored.map((it) => [placeOf(it), Number(it.baseOffset ?? -1)]))
  return records.map(({ topic, partition }) => {
    const key = `${topic}/${partition}`
    const offset = next.get(key) ?? -1
    if (offset >= 0) next.set(key, offset + 1)
    return offset
  })
}

function placeOf({ topicName, partition }: RecordMetadata): string {
  return `${topicName}/${partition}`
}

function typeOf(error: unknown): string {
  const { type, cause } = error as { type?: unknown; cause?: { type?: unknown } }
  return String(type ?? cause?.type ?? '')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
