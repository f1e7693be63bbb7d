import type { ActorRecipe } from '../actors/kernel/actor.ts'
import { type ActorKind, type Address, isAddress, kindOf, shardOf } from '../actors/kernel/address.ts'
import { asFailure, type Failure } from '../actors/kernel/failure.ts'
import type { Ref } from '../actors/kernel/ref.ts'
import type { AddressedKind, Region } from '../actors/kernel/region.ts'
import type { Delivery } from '../transports/mailbox.ts'
import { durably } from './durably.ts'
import { Handover } from './handover.ts'
import { anew, contextOf, type Lane, newLane } from './lane.ts'
import { Parking } from './parking.ts'
import { Passivation } from './passivation.ts'
import type { RegionParts } from './region-parts.ts'
import { ShardHolders } from './shard-holders.ts'
import { addressed } from './tree.ts'
import { Ward } from './ward.ts'
import type { Ended, Watch } from './world.ts'

/** Owns no shard yet: `takeOver` comes before the first delivery. */
export function createRegion(parts: RegionParts): Region {
  return new LocalRegion(parts)
}

const SWEEP_MS = 5_000

class LocalRegion implements Region, Watch {
  private readonly parts: RegionParts
  private readonly lanes = new Map<Address, Lane>()
  private readonly holders: ShardHolders
  private readonly parking: Parking
  private readonly passivation: Passivation
  private readonly ward: Ward
  private readonly handover: Handover
  private isDraining = false
  private actors = 0
  private cancelSweep: () => void

  constructor(parts: RegionParts) {
    this.parts = parts
    this.passivation = new Passivation(parts.limits ?? {}, (lane, reason) => this.leave(lane, reason))
    this.holders = new ShardHolders(parts.system)
    this.handover = new Handover(parts)
    const untilDrained = (what: string, write: () => Promise<unknown>) =>
      durably(what, write, { clock: parts.clock, log: parts.log, isOver: () => this.isDraining })
    this.parking = new Parking({ ...parts, durably: untilDrained })
    this.ward = new Ward({ quarantine: parts.quarantine, parking: this.parking, durably: untilDrained })
    this.cancelSweep = parts.clock.after(SWEEP_MS, () => this.sweep())
  }

  async loadQuarantined(which: (address: Address) => boolean): Promise<void> {
    for (const entry of await this.parts.quarantine.list()) {
      const kind = this.kindFor(entry.address)
      if (kind === undefined || this.lanes.has(entry.address) || !which(entry.address)) continue
      this.ward.remember(entry)
      this.lanes.set(entry.address, newLane(entry.address, kind, this.parts.clock.now(), 'quarantined'))
      this.parts.metrics.quarantined(kindOf(entry.address), 1)
    }
  }

  deliver(delivery: Delivery): 'accepted' | 'full' {
    const { to } = delivery.envelope
    if (this.isDraining || this.handover.isGoing(to)) return 'full' // H2
    const lane = this.lanes.get(to)
    if (lane === undefined) return this.deliverToNew(delivery)
    if (lane.status === 'quarantined') {
      this.ward.hold(to, [delivery])
      return 'accepted'
    }
    if (lane.status === 'active' && lane.pending.length === 0 && this.isUp(lane)) {
      this.passivation.touch(lane, this.parts.clock.now())
      return this.tell(lane, delivery) === 'accepted' ? 'accepted' : 'full'
    }
    if (lane.pending.length >= lane.capacity) return 'full'
    lane.pending.push(delivery) // R3: behind what waits already
    return 'accepted'
  }

  activate(address: Address): void {
    const kind = this.kindFor(address)
    if (this.isDraining || kind === undefined || this.lanes.has(address) || this.handover.isGoing(address)) return
    this.open(address, kind)
  }

  isActive(address: Address): boolean {
    return this.lanes.get(address)?.ref !== undefined
  }

  active(): number {
    return this.actors
  }

  depth(address: Address): number {
    const lane = this.lanes.get(address)
    if (lane === undefined) return 0
    return lane.pending.length + (lane.ref === undefined ? 0 : this.parts.system.mailboxDepth(lane.ref))
  }

  isQuarantined(address: Address): boolean {
    return this.lanes.get(address)?.status === 'quarantined'
  }

  async resume(address: Address, how: Parameters<Region['resume']>[1]): Promise<boolean> {
    const lane = this.lanes.get(address)
    if (lane?.status !== 'quarantined' || this.isDraining) return false
    lane.status = 'resuming' // from here deliveries wait behind what was held
    let held: Delivery[] | undefined
    try {
      held = await this.ward.resume(address, how)
    } catch (error) {
      lane.status = 'quarantined'
      this.ward.hold(address, lane.pending.splice(0))
      throw error
    }
    lane.pending.unshift(...(held ?? []))
    this.parts.metrics.quarantined(kindOf(address), -1)
    this.parts.log.info({ address, action: how.action, held: held?.length ?? 0 }, 'quarantine ended')
    if (this.isDraining || this.handover.isGoing(address)) this.lanes.delete(address)
    else this.start(lane)
    return held !== undefined
  }

  async passivate(address: Address, reason: 'idle' | 'memory' | 'drain'): Promise<void> {
    const lane = this.lanes.get(address)
    if (lane !== undefined && this.leave(lane, reason)) await lane.left
  }

  async drain(timeoutMs: number): Promise<void> {
    this.isDraining = true
    this.cancelSweep()
    await this.leaveAll([...this.lanes.values()], timeoutMs)
  }

  async handOver(kind: ActorKind, shards: readonly number[], timeoutMs: number): Promise<void> {
    this.handover.begin(kind, shards)
    const lanes = [...this.lanes.values()].filter(({ address }) => this.handover.isGoing(address))
    await this.leaveAll(lanes, timeoutMs)
    for (const { address, status, type } of lanes) {
      if (status !== 'quarantined' || !this.lanes.delete(address)) continue
      this.ward.forget(address)
      this.parts.metrics.quarantined(type, -1)
    }
  }

  async takeOver(kind: ActorKind, shards: readonly number[]): Promise<void> {
    for (const lane of this.lanes.values()) if (this.handover.isGoing(lane.address)) anew(lane)
    this.handover.cancel(kind, shards)
    await this.loadQuarantined((address) => kindOf(address) === kind && shards.includes(shardOf(address)))
  }

  private leaveAll(lanes: readonly Lane[], timeoutMs: number): Promise<void> {
    return this.handover.leave(
      lanes,
      timeoutMs,
      (lane) => this.leave(lane, 'drain'),
      () => this.ward.written(),
    )
  }

  private deliverToNew(delivery: Delivery): 'accepted' {
    const { envelope } = delivery
    const kind = isAddress(envelope.to) ? this.kindFor(envelope.to) : undefined
    if (kind === undefined) {
      void this.parking.parkAndSettle(delivery, 'UNROUTABLE', `no actor of this process has the address ${envelope.to}`)
    } else {
      const lane = this.open(envelope.to, kind)
      this.tell(lane, delivery)
    }
    return 'accepted'
  }

  private kindFor(address: Address): AddressedKind | undefined {
    return this.parts.kinds[kindOf(address)]
  }

  private open(address: Address, kind: AddressedKind): Lane {
    const lane = newLane(address, kind, this.parts.clock.now(), 'active')
    this.lanes.set(address, lane)
    this.start(lane)
    return lane
  }

  /** R1: called only when no actor of the address is left; the name in the actor system is taken until then. */
  private start(lane: Lane): void {
    const { system, metrics, clock } = this.parts
    const recipe: ActorRecipe<Delivery, unknown> = lane.kind.recipe(lane.address)
    const kind = kindOf(lane.address)
    lane.status = 'active'
    lane.anew = false
    lane.type = recipe.type
    lane.capacity = recipe.capacity
    lane.ref = system.spawn(this.holders.of(lane.address), lane.address, recipe, {
      address: lane.address,
      supervision: (this.parts.supervision ?? addressed)[kind],
      onDead: this.refused,
      watch: this,
    })
    this.actors++
    metrics.activated(recipe.type)
    this.passivation.touch(lane, clock.now())
    this.pump(lane)
    this.passivation.makeRoom(clock.now())
  }

  private tell(lane: Lane, delivery: Delivery) {
    const { envelope } = delivery
    return this.parts.system.tellIn(contextOf(envelope), lane.ref as Ref<Delivery>, delivery, envelope.priority)
  }

  private isUp(lane: Lane): boolean {
    return lane.ref !== undefined && this.parts.system.isRunning(lane.ref)
  }

  /** An actor refused a message and goes on. */
  private readonly refused = (message: unknown, cause: unknown): void => {
    const { code, detail } = asFailure(cause)
    void this.parking.parkAndSettle(message as Delivery, code, detail)
  }

  roomAgain(address: Address): void {
    const lane = this.lanes.get(address)
    if (lane !== undefined) this.pump(lane)
  }

  private pump(lane: Lane): void {
    if (lane.status !== 'active' || !this.isUp(lane)) return
    let told = 0
    for (const delivery of lane.pending) {
      if (this.tell(lane, delivery) !== 'accepted') break
      told++
    }
    if (told > 0) lane.pending.splice(0, told)
  }

  private leave(lane: Lane, reason: 'idle' | 'memory' | 'drain'): boolean {
    const { system, metrics } = this.parts
    if (lane.status !== 'active' || lane.ref === undefined) return false
    if (reason !== 'drain') {
      const resting = system.restingState(lane.ref)
      if (resting === undefined || this.depth(lane.address) > 0) return false
      if (reason === 'idle' && this.parts.clock.now() - resting.since < lane.kind.idleMs) return false
      if (!lane.kind.isIdle(resting.state)) return false
    }
    lane.status = 'leaving'
    this.passivation.forget(lane)
    metrics.passivated(lane.type, reason)
    lane.left = system.stop(lane.ref)
    return true
  }

  /** Nothing of the actor runs any more; what it left undone is here again (R2). */
  ended(address: Address, end: Ended): void {
    const { log } = this.parts
    const lane = this.lanes.get(address)
    if (lane === undefined) return
    this.actors--
    this.passivation.forget(lane)
    lane.ref = undefined
    if (!lane.anew) lane.pending = [...(end.waiting as Delivery[]), ...lane.pending] // R3
    if (end.reason === 'quarantined' && end.failure !== undefined) {
      this.quarantine(lane, end.failure, end.failedOnHead)
      return
    }
    const isOver = !lane.anew && (end.reason === 'fenced' || end.reason === 'escalated')
    if (isOver || this.isDraining || this.handover.isGoing(address)) {
      // Unsettled, so the durable mailbox still has them: for the shard's owner, or for the next start.
      if (lane.pending.length > 0)
        log.info({ address: lane.address, reason: end.reason, left: lane.pending.length }, 'left to the mailbox')
      this.lanes.delete(lane.address)
      return
    }
    if (end.failure !== undefined && end.failedOnHead && !lane.anew) {
      // Stopped for a failure it may not be restarted for: without the message, or it would come back for it at once.
      const poison = lane.pending.shift()
      if (poison !== undefined) void this.parking.parkAndSettle(poison, 'POISON_MESSAGE', end.failure.message)
    }
    if (lane.pending.length > 0) this.start(lane)
    else this.lanes.delete(lane.address)
  }

  private quarantine(lane: Lane, failure: Failure, failedOnHead: boolean): void {
    const { clock, metrics, log } = this.parts
    const deliveries = lane.pending.splice(0)
    const head = failedOnHead ? deliveries[0] : undefined
    // A result of the actor's own doing is no suspect that an operator could edit or drop.
    const suspect = head?.position === undefined ? undefined : head.envelope
    const tenant = deliveries.find((delivery) => delivery.envelope.tenant !== '')?.envelope.tenant ?? ''
    lane.status = 'quarantined'
    metrics.quarantined(lane.type, 1)
    log.error({ address: lane.address, code: failure.code, held: deliveries.length }, 'address quarantined')
    const { code, detail } = failure
    this.ward.admit({ address: lane.address, tenant, code, detail, suspect, since: clock.now() }, deliveries)
  }

  private sweep(): void {
    if (this.isDraining) return
    this.passivation.sweep(this.parts.clock.now())
    this.cancelSweep = this.parts.clock.after(SWEEP_MS, () => this.sweep())
  }
}
