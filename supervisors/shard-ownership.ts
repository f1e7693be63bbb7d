import { type ActorKind, SHARDS_PER_KIND, shardKey } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Epochs, ShardLease } from '../persistence/epochs.ts'
import type { ClusterNode, Membership, NodeStatus } from '../persistence/membership.ts'
import type { ShardHolding } from './shard-holding.ts'
import { planShards } from './shard-plan.ts'

export interface ShardOwnershipParts {
  readonly membership: Membership
  readonly epochs: Pick<Epochs, 'takeOver' | 'release' | 'list'>
  /** None at a gateway: it owns nothing, and only says that it is there. */
  readonly holding: ShardHolding | undefined
  /** Kinds whose shards this process may own: its roles. */
  readonly kinds: readonly ActorKind[]
  readonly detail: () => Readonly<Record<string, unknown>>
  readonly clock: Clock
  readonly log: Logger
  readonly beatMs: number
  /** False while the mailbox cannot be read from here. */
  readonly reaches?: () => boolean
  /** After each beat: who is in the cluster. */
  readonly seen?: (nodes: readonly ClusterNode[]) => void
  readonly counted?: (kind: ActorKind, owned: number) => void
  readonly tookOver?: (
    kind: ActorKind,
    reason: 'joined' | 'released' | 'expired',
    shards: number,
    seconds: number,
  ) => void
  readonly seconds: () => number
}

/** Whoever is cut off waits so long for the others to say that they are too, before it gives shards to them. */
const PATIENT_BEATS = 3

/**
 * The beat of a process: it renews its lease, sees who is alive, and moves towards the plan (shard-plan.ts).
 *   O1. A shard of a live node is never taken: that node sees the plan too, and releases it when its actors have stopped.
 *   O2. A shard of a node that is gone, or of nobody, is taken at once by the one whom the plan names; two that disagree
 *       for a moment are decided by the epoch (E2).
 *   O3. A shard whose epoch has risen is lost: its actors stop, whatever they were doing.
 *   O4. A node that cannot read the mailbox says so and gives its shards to those that can. When nobody can, nobody takes
 *       any, and all keep what they have.
 */
export class ShardOwnership {
  private readonly parts: ShardOwnershipParts
  private state: NodeStatus['state'] = 'ready'
  private cancelBeat = () => {}
  private beating: Promise<void> = Promise.resolve()
  private again = false
  private busy = false
  private stopped = false
  private cutOffBeats = 0
  /** Shards that begin or end now; another beat must not begin or end them again. */
  private readonly moving = new Set<string>()

  constructor(parts: ShardOwnershipParts) {
    this.parts = parts
  }

  /** Resolves after the first beat: the shards that were free are on their way. */
  async start(): Promise<void> {
    await this.beat()
    // Not before: two beats at once would take what is free twice.
    this.parts.membership.onSignal(() => this.beatNow())
    this.beatLater()
  }

  get status(): NodeStatus['state'] {
    return this.state
  }

  /** Gives every shard away while the process goes on; resolves when it owns none. */
  async drain(): Promise<void> {
    this.state = 'draining'
    const { holding, kinds } = this.parts
    await this.beatNow()
    while (holding !== undefined && holding.list().length > 0 && !this.stopped) {
      for (const kind of kinds) {
        const shards = holding.list().flatMap((lease) => (lease.kind === kind ? [lease.shard] : []))
        if (shards.length > 0) await this.giveUp(kind, shards, holding)
      }
      await this.beatNow()
    }
  }

  /** Hands everything over and leaves the cluster. */
  async stop(): Promise<void> {
    await this.drain()
    this.stopped = true
    this.cancelBeat()
    const { membership } = this.parts
    await membership.signal().catch(() => {})
    await membership.leave()
  }

  private beatLater(): void {
    if (this.stopped) return
    this.cancelBeat = this.parts.clock.after(this.parts.beatMs, () => {
      void this.beatNow()
      this.beatLater()
    })
  }

  /** For whoever cannot wait for the next. */
  beatNow(): Promise<void> {
    if (this.busy) {
      this.again = true
      return this.beating
    }
    this.busy = true
    this.beating = (async () => {
      do {
        this.again = false
        await this.beat().catch((error) => {
          this.parts.log.warn({ error: String(error) }, 'the heartbeat failed; tried again')
        })
      } while (this.again && !this.stopped)
      this.busy = false
    })()
    return this.beating
  }

  private async beat(): Promise<void> {
    const { membership, seen, kinds, detail } = this.parts
    this.lookAtMailbox()
    const nodes = await membership.renew({ state: this.state, detail: detail() })
    seen?.(nodes)
    const { holding } = this.parts
    if (holding !== undefined) for (const kind of kinds) await this.approach(kind, nodes, holding)
  }

  private lookAtMailbox(): void {
    const { reaches = () => true, log } = this.parts
    const before = this.state
    if (before === 'draining') return
    this.state = reaches() ? 'ready' : 'cut off' // O4
    this.cutOffBeats = this.state === 'ready' ? 0 : this.cutOffBeats + 1
    if (this.state === before) return
    if (this.state === 'ready') log.info({}, 'the mailbox can be read again')
    else log.warn({}, 'the mailbox cannot be read: shards go to nodes that can')
  }

  private async approach(kind: ActorKind, nodes: readonly ClusterNode[], holding: ShardHolding): Promise<void> {
    const { membership, epochs, counted } = this.parts
    const me = membership.nodeId
    const rows = withAll(kind, await epochs.list(kind))
    const mine = new Map(
      holding.list().flatMap((lease) => (lease.kind === kind ? [[lease.shard, lease] as const] : [])),
    )
    const lost = rows.filter(({ shard, owner, epoch }) => {
      const lease = mine.get(shard)
      return lease !== undefined && (owner !== me || epoch !== lease.epoch)
    })
    if (lost.length > 0) this.lose(kind, lost, holding)
    const alive = new Set(nodes.map(({ id }) => id))
    const plan = planShards(
      rows,
      nodes.filter((node) => takes(node, kind)),
    )
    const atRest = rows.filter(({ shard }) => !mine.has(shard) && !this.isMoving(kind, shard))
    // A row that says it is mine although I do not hold it: the release of an earlier attempt that came to nothing.
    const free = atRest.filter(({ shard, owner }) => plan.get(shard) === me && (owner === me || !alive.has(owner)))
    if (free.length > 0) await this.takeOver(kind, free, holding)
    // Given up here, but the release did not get through: nobody else would ever take them while this node lives (O1).
    const unreleased = atRest.filter(({ shard, owner }) => owner === me && plan.get(shard) !== me)
    if (unreleased.length > 0) await epochs.release(unreleased)
    const surplus = [...mine.keys()].filter((shard) => {
      const owner = plan.get(shard)
      return owner !== undefined && owner !== me && !this.isMoving(kind, shard)
    })
    const patient = this.cutOffBeats > 0 && this.cutOffBeats < PATIENT_BEATS
    if (surplus.length > 0 && !patient) void this.giveUp(kind, surplus, holding)
    counted?.(kind, holding.list().filter((lease) => lease.kind === kind).length)
  }

  private async takeOver(kind: ActorKind, seen: readonly ShardLease[], holding: ShardHolding): Promise<void> {
    const { membership, epochs, log, tookOver, seconds } = this.parts
    const from = seconds()
    const won = await epochs.takeOver(membership.nodeId, seen)
    if (won.length === 0) return
    const before = new Map(seen.map((row) => [row.shard, row.owner]))
    const shards = won.map(({ shard }) => shard)
    const expired = shards.filter((shard) => before.get(shard) !== '').length
    log.info({ kind, shards: shards.length, expired }, 'shards taken over')
    void this.move(kind, shards, async () => {
      await holding.take(kind, won)
      const fresh = won.filter(({ epoch }) => epoch === 1).length
      const reason = expired > 0 ? 'expired' : fresh === won.length ? 'joined' : 'released'
      tookOver?.(kind, reason, shards.length, seconds() - from)
    })
  }

  private lose(kind: ActorKind, rows: readonly ShardLease[], holding: ShardHolding): void {
    const shards = rows.map(({ shard }) => shard).filter((shard) => !this.isMoving(kind, shard))
    if (shards.length === 0) return
    this.parts.log.warn({ kind, shards: shards.length }, 'shards were taken over by another node')
    void this.move(kind, shards, () => holding.give(kind, shards)) // O3
  }

  private giveUp(kind: ActorKind, shards: readonly number[], holding: ShardHolding): Promise<void> {
    const { epochs, membership, log } = this.parts
    log.info({ kind, shards: shards.length }, 'shards are handed over')
    return this.move(kind, shards, async () => {
      await epochs.release(await holding.give(kind, shards))
      await membership.signal()
    })
  }

  private async move(kind: ActorKind, shards: readonly number[], work: () => Promise<unknown>): Promise<void> {
    const keys = shards.map((shard) => shardKey(kind, shard))
    for (const key of keys) this.moving.add(key)
    try {
      await work()
    } catch (error) {
      this.parts.log.warn({ kind, error: String(error) }, 'moving shards failed; the next beat looks again')
    }
    for (const key of keys) this.moving.delete(key)
  }

  private isMoving(kind: ActorKind, shard: number): boolean {
    return this.moving.has(shardKey(kind, shard))
  }
}

function takes({ roles, state }: ClusterNode, kind: ActorKind): boolean {
  return state === 'ready' && roles.includes(kind)
}

function withAll(kind: ActorKind, rows: readonly ShardLease[]): ShardLease[] {
  const known = new Map(rows.map((row) => [row.shard, row]))
  return Array.from({ length: SHARDS_PER_KIND }, (_, shard) => known.get(shard) ?? { kind, shard, owner: '', epoch: 0 })
}
