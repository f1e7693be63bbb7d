import type { Address } from '../../actors/kernel/address.ts'
import { shardKey } from '../../actors/kernel/address.ts'
import type { Policy } from '../../actors/kernel/policy.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { memoryKind } from '../../actors/memory/actor.ts'
import type { Embedder } from '../../actors/memory/index/memory-index.ts'
import { LiveShards } from '../../actors/memory/live-shards.ts'
import { MemoryDoor } from '../../actors/memory/memory-door.ts'
import type { MemoryOwners } from '../../actors/memory/owners.ts'
import { systemIds } from '../../infra/clock.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import type { Journal } from '../../persistence/journal.ts'
import { openInMemory } from '../../persistence/open-in-memory.ts'
import { createActorSystem } from '../../supervisors/actor-system.ts'
import { createRegion } from '../../supervisors/region.ts'
import { epochIn, ShardHolding } from '../../supervisors/shard-holding.ts'
import { allShards, InProcessMailbox } from '../../transports/in-process-mailbox.ts'
import { realClock } from './gateway-harness.ts'
import { mayWrite } from './given-memory.ts'
import type { Stores } from './persistence-under-test.ts'
import { CountingMetrics } from './probe.ts'
import { ScanIndex } from './scan-index.ts'

export interface MemoryWorldOptions {
  readonly policy?: Policy
  readonly workingMemory?: number
  readonly embedder?: Embedder
  /** In place of the shards of this process. */
  readonly owners?: MemoryOwners
  /** Around the store's journal. */
  readonly journal?: (journal: Journal) => Journal
}

/** One process with memory shards and the door to them, on a given store: a second one on the same store is its restart. */
export class MemoryWorld {
  readonly door: MemoryDoor
  readonly live: LiveShards
  private readonly parts: { shutdown(): Promise<void>; drain(): Promise<void> }

  private constructor(door: MemoryDoor, live: LiveShards, parts: MemoryWorld['parts']) {
    this.door = door
    this.live = live
    this.parts = parts
  }

  static stores(): Stores {
    return openInMemory(systemIds)
  }

  static async start(stores: Stores, options: MemoryWorldOptions = {}): Promise<MemoryWorld> {
    const clock = realClock
    const log = silentLogger
    const metrics = new CountingMetrics()
    const system = createActorSystem({ clock, ids: systemIds, log, metrics })
    const leases = new Map<string, ShardLease>()
    const epochOf = epochIn(leases)
    const journal = options.journal?.(stores.journal) ?? stores.journal
    const rows = stores.memories
    const live: LiveShards = new LiveShards({
      activate: (address: Address) => region.activate(address),
      refusal: (address) => (epochOf(address) === 0 ? 'it is owned elsewhere' : undefined),
      journal,
      clock,
    })
    const kind = memoryKind(
      {
        ...{ rows, live, clock, idleMs: 60_000, workingMemory: options.workingMemory ?? 128 },
        embedder: options.embedder,
        openIndex: () => new ScanIndex(),
      },
      {
        journal,
        snapshots: { load: async () => undefined, save: async () => {}, remove: async () => {} },
        deadLetters: stores.deadLetters,
        tell: (ref, message, priority) => system.tell(ref, message, priority),
        epochOf,
        relay: { offer() {} },
      },
    )
    const region = createRegion({
      ...{ system, clock, log, metrics },
      kinds: { memory: kind },
      deadLetters: stores.deadLetters,
      quarantine: stores.quarantine,
    })
    const mailbox = await InProcessMailbox.open({ rows: stores.mailboxRows, clock, log })
    const relay = { recover: async () => 0 }
    const holding = new ShardHolding(leases, { region, mailbox, journal, relay, clock, log, handOverMs: 1_000 })
    await holding.take('memory', await stores.epochs.claim(systemIds.uuid(), 'memory', allShards))
    const door = new MemoryDoor({
      ...{ mailbox, rows, journal, clock },
      owners: options.owners ?? live,
      policy: options.policy ?? { decide: async () => mayWrite },
      embedder: options.embedder,
    })
    return new MemoryWorld(door, live, {
      // Its leases go at once: what it still has under way is the next owner's.
      async shutdown() {
        for (const shard of allShards) leases.delete(shardKey('memory', shard))
        await system.shutdown()
      },
      async drain() {
        await region.drain(1_000)
        await mailbox.close()
        await system.shutdown()
      },
    })
  }

  stop(): Promise<void> {
    return this.parts.drain()
  }

  crash(): Promise<void> {
    return this.parts.shutdown()
  }
}
