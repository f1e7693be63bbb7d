import { type ActorKind, type Address, kindOf, shardKey, shardOf } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Region } from '../actors/kernel/region.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { ShardLease } from '../persistence/epochs.ts'
import type { Journal } from '../persistence/journal.ts'
import type { Mailbox, Subscription } from '../transports/mailbox.ts'
import { durably } from './durably.ts'

export interface ShardHoldingParts {
  readonly region: Pick<Region, 'takeOver' | 'handOver' | 'deliver' | 'activate'>
  readonly mailbox: Pick<Mailbox, 'receive'>
  readonly journal: Pick<Journal, 'unfinished'>
  readonly relay: { recover(kind: ActorKind, shards: readonly number[]): Promise<number> }
  /** What else begins with a shard, before its first delivery. */
  readonly taken?: (kind: ActorKind, leases: readonly ShardLease[]) => Promise<void>
  /** Told when the shards are no longer read here. */
  readonly gone?: (kind: ActorKind, shards: readonly number[]) => void
  readonly clock: Clock
  readonly log: Logger
  /** How long actors of a shard that is given up may take to stop. */
  readonly handOverMs: number
}

/**
 * The shards of this process, and the order in which work on one begins and ends.
 *   take: lease ▶ quarantine known ▶ what the owner before left unsent is sent ▶ deliveries from the stored offset
 *         ▶ unfinished actors wake
 *   give: no more deliveries ▶ actors stop ▶ offset stored ▶ (the lease may go)
 * A shard that is lost (its epoch was raised by another node) ends the same way, only that nothing it writes counts (I2).
 */
export class ShardHolding {
  private readonly parts: ShardHoldingParts
  private readonly leases: Map<string, ShardLease>
  private readonly subscriptions = new Map<string, Subscription>()
  /** Taken over completely: their sessions may be told anything. */
  private readonly working = new Set<ShardLease>()
  /** Being given up: what still begins with them must not. */
  private readonly leaving = new Set<ShardLease>()

  /** `leases` is where others look up epochs (`leasesOf`): made before the actors, which need it. */
  constructor(leases: Map<string, ShardLease>, parts: ShardHoldingParts) {
    this.leases = leases
    this.parts = parts
  }

  list(): readonly ShardLease[] {
    return [...this.leases.values()]
  }

  /** Shards of the kind on which work has begun and not ended. */
  workingShards(kind: ActorKind): number[] {
    for (const lease of this.working) {
      if (this.leases.get(shardKey(lease.kind, lease.shard)) !== lease) this.working.delete(lease)
    }
    return [...this.working].filter((lease) => lease.kind === kind).map(({ shard }) => shard)
  }

  async take(kind: ActorKind, leases: readonly ShardLease[]): Promise<void> {
    const { region, relay, mailbox, journal, taken } = this.parts
    for (const lease of leases) this.leases.set(shardKey(kind, lease.shard), lease)
    /** Of those taken, what has not been lost again since. */
    const isHeld = (lease: ShardLease) =>
      this.leases.get(shardKey(kind, lease.shard)) === lease && !this.leaving.has(lease)
    const held = () => leases.filter(isHeld)
    const step = (what: string, run: (shards: readonly number[]) => Promise<unknown>) => {
      const write = async () => {
        const shards = held().map(({ shard }) => shard)
        if (shards.length > 0) await run(shards)
      }
      const { clock, log } = this.parts
      return durably(`take over ${kind} shards: ${what}`, write, { clock, log, isOver: () => held().length === 0 })
    }
    await step('quarantine', (shards) => region.takeOver(kind, shards))
    await step('outbox', (shards) => relay.recover(kind, shards))
    await step('outbound', async () => taken?.(kind, held()))
    await step('mailbox', () =>
      // Each ends before it is tried again: another try beside one that is slow would open its shard twice.
      allEnded(
        held().map(async (lease) => {
          const key = shardKey(kind, lease.shard)
          if (this.subscriptions.has(key)) return
          const subscription = await mailbox.receive(kind, [lease.shard], (delivery) => region.deliver(delivery))
          if (isHeld(lease)) this.subscriptions.set(key, subscription)
          else await this.closeAll([subscription]) // lost meanwhile: left open, it would stand in the way of the next
        }),
      ),
    )
    await step('unfinished', async (shards) => {
      for (const address of await journal.unfinished(kind, shards)) region.activate(address)
    })
    for (const lease of held()) this.working.add(lease)
  }

  /** Ends work on these shards; returns their leases, to be released. */
  async give(kind: ActorKind, shards: readonly number[]): Promise<ShardLease[]> {
    const { region, gone, handOverMs } = this.parts
    const going = shards.flatMap((shard) => this.leases.get(shardKey(kind, shard)) ?? [])
    for (const lease of going) {
      this.leaving.add(lease)
      this.working.delete(lease)
    }
    const closing = shards.flatMap((shard) => {
      const subscription = this.subscriptions.get(shardKey(kind, shard))
      this.subscriptions.delete(shardKey(kind, shard))
      return subscription === undefined ? [] : [subscription]
    })
    await this.closeAll(closing)
    await region.handOver(kind, shards, handOverMs)
    await this.closeAll(closing) // once more, to store what settled while actors stopped
    gone?.(kind, shards)
    return going.filter((lease) => {
      this.leaving.delete(lease)
      const key = shardKey(kind, lease.shard)
      return this.leases.get(key) === lease && this.leases.delete(key)
    })
  }

  private async closeAll(subscriptions: readonly Subscription[]): Promise<void> {
    for (const subscription of subscriptions) {
      // An offset that could not be stored means redeliveries, which are recognised.
      await subscription.close().catch((error) => this.parts.log.debug({ error: String(error) }, 'offset not stored'))
    }
  }
}

/** Resolves when all have ended; rejects then, with the first failure. */
async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((it) => it.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** The epoch that an activation appends with; 0, which no shard has, when the shard is not held. */
export function epochIn(leases: ReadonlyMap<string, ShardLease>): (address: Address) => number {
  return (address) => leases.get(shardKey(kindOf(address), shardOf(address)))?.epoch ?? 0
}
