import type { Producer, ProducerBatch } from 'kafkajs'
import type { LogRecord } from '../../transports/kafka/fetch-client.ts'
import type { LogReader, ReadPartition } from '../../transports/kafka/log-reader.ts'

/** Partitions that keep what is written, and show it to who reads. */
export class KeptPartitions {
  private readonly records = new Map<string, LogRecord[]>()
  private readonly readings = new Set<ReadPartition>()
  /** Records of each partition that a fetch brings; the others are only known to be there. */
  fetched = Number.POSITIVE_INFINITY

  readonly producer = {
    sendBatch: async ({ topicMessages = [] }: ProducerBatch) =>
      topicMessages.flatMap(({ topic, messages }) => {
        const bases = new Map<number, number>()
        for (const { partition = 0, value, headers } of messages) {
          const log = this.of(topic, partition)
          if (!bases.has(partition)) bases.set(partition, log.length)
          log.push({ offset: log.length, timestamp: 0, key: null, value, headers } as LogRecord)
        }
        this.show()
        return [...bases].map(([partition, base]) => ({ topicName: topic, partition, baseOffset: `${base}` }))
      }),
  } as unknown as Producer

  readonly reader = {
    read: (wanted: ReadPartition) => {
      this.readings.add(wanted)
      queueMicrotask(() => this.show())
      return { close: () => this.readings.delete(wanted) }
    },
  } as unknown as LogReader

  get open(): number {
    return this.readings.size
  }

  private of(topic: string, partition: number): LogRecord[] {
    const key = `${topic}/${partition}`
    const log = this.records.get(key) ?? []
    this.records.set(key, log)
    return log
  }

  private readonly shown = new Map<ReadPartition, number>()
  private show(): void {
    for (const reading of this.readings) {
      const log = this.of(reading.topic, reading.partition)
      const from = this.shown.get(reading) ?? reading.from ?? 0
      if (from >= log.length) continue
      const to = Math.min(log.length, this.fetched)
      this.shown.set(reading, Math.max(from, to))
      reading.take(log.slice(from, to), log.length)
    }
  }
}
