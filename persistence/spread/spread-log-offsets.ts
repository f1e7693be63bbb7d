import { Failure } from '../../actors/kernel/failure.ts'
import type { LogOffsets, LogPartition, LogWatermark } from '../log-offsets.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/** A partition's watermark lies beside the journal of the shard that reads it, which is the shard of its number. */
export class SpreadLogOffsets implements LogOffsets {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  async load(partitions: readonly LogPartition[]): Promise<(number | undefined)[]> {
    const watermarks = new Map<LogPartition, number | undefined>()
    await Promise.all(
      this.map
        .group(partitions, ({ partition }) => partition)
        .map(async ([{ logOffsets }, own]) => {
          const loaded = await logOffsets.load(own)
          own.forEach((partition, i) => {
            watermarks.set(partition, loaded[i])
          })
        }),
    )
    return partitions.map((partition) => watermarks.get(partition))
  }

  async advance(rows: readonly LogWatermark[]): Promise<void> {
    const stray = rows.find(({ partition, lease }) => partition !== lease.shard)
    if (stray) throw new Failure('INTERNAL', `shard ${stray.lease.shard} read partition ${stray.partition}`)
    const groups = this.map.group(rows, ({ lease }) => lease.shard)
    await Promise.all(groups.map(([{ logOffsets }, own]) => logOffsets.advance(own)))
  }
}
