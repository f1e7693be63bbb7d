import { shardOf } from '../../actors/kernel/address.ts'
import { changeRecordOf } from '../../actors/memory/change-record.ts'
import { memoryEventCodec } from '../../actors/memory/events.ts'
import type { PlacedEvent } from '../../persistence/journal.ts'
import type { PublishedFeed } from '../../transports/kafka/outbound-publisher.ts'
import { memoryWal } from '../../transports/kafka/topics.ts'

/**
 * Every change of memory on memory.wal, for replicas. `payload.id` is the change's, the same when it is published twice.
 * Changes of one shard of memory stay in order: all of them are in one partition.
 */
export const memoryFeed: PublishedFeed<PlacedEvent> = {
  kind: 'memory',
  topic: memoryWal.name,
  itemOf: (stored) => stored,
  placeOf: ({ address, at }) => ({ shard: shardOf(address), at }),
  recordsOf(stored, topic) {
    const { address, seq, at } = stored
    const change = changeRecordOf(memoryEventCodec.decode(stored), `${address}/${seq}`, at)
    if (change === undefined) return []
    return [
      {
        topic,
        partition: shardOf(address) % memoryWal.partitions,
        key: address,
        value: Buffer.from(JSON.stringify(change)),
        headers: { 'content-type': 'application/json' },
      },
    ]
  },
}
