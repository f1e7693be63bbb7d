import { type Address, shardOf } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { Region } from '../actors/kernel/region.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { DueTimer, Timers } from '../persistence/timers.ts'

const LOOK_MS = 1_000
const AT_ONCE = 5_000
/** Told and still due after this long: the message did not get through (a full mailbox, a quarantine, a lost activation). */
const AGAIN_MS = 30_000

export interface TimerWatchParts {
  readonly timers: Timers
  readonly region: Pick<Region, 'deliver'>
  /** Session shards that are owned here at this moment. */
  readonly shards: () => readonly number[]
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Tells sessions of the shards owned here that a timer is due.
 *   W1. It looks once a second, a second ahead, so a timer that was set before is told within milliseconds of its time.
 *   W2. It keeps nothing that matters: what is due stands in the table until its session has journaled it, so whoever owns the
 *       shard next tells it. Told by two, or twice, it is one envelope (I3): its id is that of timer and time.
 *   W3. It tells the activation, not the mailbox: however long a session is not to be reached, nothing piles up.
 */
export class TimerWatch {
  private readonly parts: TimerWatchParts
  private readonly told = new Map<string, { at: number; cancel(): void }>()
  private stopLooking = () => {}
  private closed = false

  constructor(parts: TimerWatchParts) {
    this.parts = parts
  }

  start(): this {
    void this.look()
    return this
  }

  close(): void {
    this.closed = true
    this.stopLooking()
    for (const { cancel } of this.told.values()) cancel()
    this.told.clear()
  }

  private async look(): Promise<void> {
    const { timers, shards, clock, log } = this.parts
    const owned = shards()
    try {
      const due = owned.length === 0 ? [] : await timers.due('session', owned, clock.now() + LOOK_MS, AT_ONCE)
      this.forget()
      if (!this.closed) for (const timer of due) this.arm(timer)
    } catch (error) {
      log.warn({ error: String(error) }, 'due timers could not be read; looked for again in a second')
    }
    if (!this.closed) this.stopLooking = clock.after(LOOK_MS, () => void this.look())
  }

  private arm(timer: DueTimer): void {
    const id = tickId(timer)
    if (this.told.has(id)) return
    const { clock } = this.parts
    const at = Math.max(timer.due, clock.now())
    const cancel = clock.after(at - clock.now(), () => this.tell(id, timer))
    this.told.set(id, { at, cancel })
  }

  private tell(id: string, { address, timerId, tenant, due }: DueTimer): void {
    const { region, shards, clock } = this.parts
    if (!shards().includes(shardOf(address))) return
    const envelope: Envelope = {
      id,
      to: address,
      from: 'timer',
      tenant,
      priority: 'normal',
      trace: {},
      sentAt: clock.now(),
      body: { kind: 'Tick', v: 1, timerId, due },
    }
    if (region.deliver({ envelope, settle() {} }) === 'full') this.told.delete(id)
  }

  private forget(): void {
    const before = this.parts.clock.now() - AGAIN_MS
    for (const [id, { at }] of this.told) if (at < before) this.told.delete(id)
  }
}

/** W2. */
function tickId({ address, timerId, due }: { address: Address; timerId: string; due: number }): string {
  return `${address}/timer/${timerId}/${due}`
}
