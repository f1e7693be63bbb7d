import { setImmediate } from 'node:timers/promises'
import type { ActorContext, ActorRecipe } from '../../actors/kernel/actor.ts'
import type { Ids } from '../../actors/kernel/clock.ts'
import type { ActorMetrics } from '../../actors/kernel/telemetry.ts'

/** Lets everything that is ready run, until `condition` holds; fails when it will not. No spec sleeps. */
export async function until(condition: () => unknown, what: string = condition.toString()): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (condition()) return
    await setImmediate()
  }
  throw new Error(`never came true: ${what}`)
}

/** Lets what is ready run to its end. */
export async function settled(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate()
}

/** A promise held by hand, to stop a handler in the middle. */
export class Gate {
  readonly opened: Promise<void>
  open!: () => void
  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }
}

/** What a probe is told: its behaviour comes with the message. */
export type Order =
  | { readonly note: string }
  | { readonly note: string; readonly fail: Error | (() => Error | undefined) }
  | { readonly note: string; readonly wait: Gate }
  | { readonly note: string; readonly run: (context: ActorContext<Order>) => unknown }

/** An actor that records what happens to it, over all its lives. */
export class Probe {
  readonly log: string[] = []
  starts = 0
  /** Handlers running now, and the most there ever were: more than one breaks C1. */
  running = 0
  mostRunning = 0
  lastContext: ActorContext<Order> | undefined
  /** Thrown by the next starts. */
  failStarts: Error[] = []

  recipe(over: Partial<ActorRecipe<Order, number>> = {}): ActorRecipe<Order, number> {
    return {
      type: 'probe',
      capacity: 100,
      start: (context) => {
        this.starts++
        this.lastContext = context
        const failure = this.failStarts.shift()
        if (failure) throw failure
        this.log.push('start')
        return 0
      },
      receive: async (count, order, context) => {
        this.running++
        this.mostRunning = Math.max(this.mostRunning, this.running)
        try {
          if ('wait' in order) await order.wait.opened
          if ('run' in order) await order.run(context)
          if ('fail' in order) {
            const failure = typeof order.fail === 'function' ? order.fail() : order.fail
            if (failure) throw failure
          }
          this.log.push(order.note)
          return count + 1
        } finally {
          this.running--
        }
      },
      stop: () => {
        this.log.push('stop')
      },
      ...over,
    }
  }
}

/** Ids that a spec can foretell. */
export function countedIds(): Ids {
  let next = 0
  return {
    uuid: () => `00000000-0000-4000-8000-${String(next++).padStart(12, '0')}`,
    random: () => 0,
  }
}

/** Metrics as sums, to be looked at. */
export class CountingMetrics implements ActorMetrics {
  readonly counts = new Map<string, number>()
  private add(key: string, by: number) {
    this.counts.set(key, (this.counts.get(key) ?? 0) + by)
  }
  of(key: string): number {
    return this.counts.get(key) ?? 0
  }
  active(type: string, change: 1 | -1) {
    this.add(`active ${type}`, change)
  }
  mailboxDepth(type: string, depth: number) {
    this.counts.set(`depth ${type}`, depth)
  }
  handled(type: string, outcome: string) {
    this.add(`${outcome} ${type}`, 1)
  }
  restarted(type: string, reason: string) {
    this.add(`restarted ${type} ${reason}`, 1)
  }
  activated(type: string) {
    this.add(`activated ${type}`, 1)
  }
  passivated(type: string, reason: string) {
    this.add(`passivated ${type} ${reason}`, 1)
  }
  deadLettered(type: string, cause: string) {
    this.add(`dead ${type} ${cause}`, 1)
  }
  quarantined(type: string, change: 1 | -1) {
    this.add(`quarantined ${type}`, change)
  }
}
