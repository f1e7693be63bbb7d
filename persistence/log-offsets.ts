import type { ShardLease } from './epochs.ts'

/** Where reading a partition of a log goes on (I5), kept beside the journal that says what was applied. */
export interface LogOffsets {
  /** The stored watermark of each partition, in the order asked; undefined where none was ever stored. */
  load(partitions: readonly LogPartition[]): Promise<(number | undefined)[]>
  /**
   * Raises watermarks; one never goes back. A row whose lease is superseded is passed over: a node that was taken over
   * writes nothing (I2).
   */
  advance(rows: readonly LogWatermark[]): Promise<void>
}

export interface LogPartition {
  readonly topic: string
  /** The number of the shard that reads it. */
  readonly partition: number
}

export interface LogWatermark extends LogPartition {
  readonly watermark: number
  /** Of the shard that reads this partition. */
  readonly lease: Pick<ShardLease, 'kind' | 'shard' | 'epoch'>
}
