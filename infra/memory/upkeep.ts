import type { Address } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Embedder } from '../../actors/memory/index/memory-index.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import type { MemoryRows } from '../../persistence/memory-rows.ts'

export interface MemoryUpkeepParts {
  readonly rows: Pick<MemoryRows, 'waiting'>
  readonly leases: ReadonlyMap<string, ShardLease>
  readonly embedder?: Embedder | undefined
  readonly activate: (address: Address) => void
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = 30_000
/** Brought into memory at one look; the others at the next. */
const AT_ONCE = 100

/**
 * Wakes memory shards that have something to do and that nobody asks: memories over their time, and memories without
 * a vector, which a crash may have left. What they do then is their own. Returns how to stop.
 */
export function memoryUpkeep({ rows, leases, embedder, activate, clock, log }: MemoryUpkeepParts): () => void {
  let cancel = () => {}
  const look = async () => {
    const shards = [...leases.values()].flatMap(({ kind, shard }) => (kind === 'memory' ? [shard] : []))
    try {
      if (shards.length > 0) {
        const waiting = await rows.waiting(shards, clock.now(), embedder !== undefined, AT_ONCE)
        for (const address of waiting) activate(address)
      }
    } catch (error) {
      log.warn({ error: String(error) }, 'memory shards with something to do could not be looked for; tried again')
    }
    plan()
  }
  const plan = () => {
    cancel = clock.after(LOOK_MS, () => void look())
  }
  plan()
  return () => cancel()
}
