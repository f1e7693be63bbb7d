import type { Address } from '../actors/kernel/address.ts'
import type { AddressedKind } from '../actors/kernel/region.ts'
import type { Lane } from './lane.ts'

export interface PassivationLimits {
  /** Activations beyond this make the least recently used idle ones leave. Default 50,000. */
  readonly maxActive?: number
  /** Above this the least recently used tenth of the idle ones leaves at every sweep. */
  readonly maxHeapBytes?: number
  readonly heapUsed?: () => number
}

const MAX_ACTIVE = 50_000
/** Busy ones are passed over; without a bound a region full of them would be searched at every activation. */
const SEARCH = 64

/**
 * Who may leave memory, least recently used first. Holds the active lanes of each kind in the order of their last use:
 * a Map keeps insertion order, so a touch is a delete and a set, and a sweep stops at the first that is too fresh.
 */
export class Passivation {
  private readonly limits: PassivationLimits
  private readonly leave: (lane: Lane, reason: 'idle' | 'memory') => boolean
  private readonly used = new Map<AddressedKind, Map<Address, Lane>>()
  private count = 0

  /** `leave` answers whether the lane could: idle, and nothing waits for it. */
  constructor(limits: PassivationLimits, leave: (lane: Lane, reason: 'idle' | 'memory') => boolean) {
    this.limits = limits
    this.leave = leave
  }

  touch(lane: Lane, now: number): void {
    let lanes = this.used.get(lane.kind)
    if (lanes === undefined) {
      lanes = new Map()
      this.used.set(lane.kind, lanes)
    }
    if (!lanes.delete(lane.address)) this.count++
    lane.touchedAt = now
    lanes.set(lane.address, lane)
  }

  forget(lane: Lane): void {
    if (this.used.get(lane.kind)?.delete(lane.address)) this.count--
  }

  makeRoom(now: number): void {
    this.evict(this.count - (this.limits.maxActive ?? MAX_ACTIVE), now)
  }

  sweep(now: number): void {
    for (const [kind, lanes] of this.used) {
      for (const lane of lanes.values()) {
        if (now - lane.touchedAt < kind.idleMs) break
        if (!this.leave(lane, 'idle')) this.touch(lane, now) // busy: asked again after another idleMs
      }
    }
    const { maxHeapBytes, heapUsed } = this.limits
    if (maxHeapBytes !== undefined && heapUsed !== undefined && heapUsed() > maxHeapBytes) {
      this.evict(Math.ceil(this.count / 10), now)
    }
  }

  private evict(wanted: number, now: number): void {
    if (wanted <= 0) return
    let left = wanted
    let search = wanted + SEARCH
    for (const lanes of this.used.values()) {
      for (const lane of lanes.values()) {
        if (left === 0 || search-- === 0) return
        if (lane.touchedAt === now) break
        if (this.leave(lane, 'memory')) left--
        else this.touch(lane, now)
      }
    }
  }
}
