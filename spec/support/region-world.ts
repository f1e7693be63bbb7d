import type { ActorRecipe } from '../../actors/kernel/actor.ts'
import { type Address, address, shardOf } from '../../actors/kernel/address.ts'
import type { DeadLetter, DeadLetters, Quarantine, QuarantineEntry } from '../../actors/kernel/dead-letters.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Region } from '../../actors/kernel/region.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { createActorSystem } from '../../supervisors/actor-system.ts'
import type { PassivationLimits } from '../../supervisors/passivation.ts'
import { createRegion } from '../../supervisors/region.ts'
import { allShards } from '../../transports/in-process-mailbox.ts'
import type { Delivery } from '../../transports/mailbox.ts'
import { CountingMetrics, countedIds, type Gate, settled } from './probe.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a delivery's body tells the actor to do. */
export interface Script {
  readonly n: number
  readonly fail?: Error | (() => Error | undefined)
  readonly wait?: Gate
}

/** What one address went through, over all its activations. */
export interface Record {
  readonly handled: number[]
  starts: number
  live: number
  mostLive: number
}

/** Deliveries of one log: offsets, and which are settled, how often. */
export class Log {
  readonly settledOffsets = new Map<number, number>()
  private next = 0

  delivery(to: Address, script: Script, over: Partial<Envelope> = {}): Delivery {
    const offset = this.next++
    return {
      envelope: {
        id: `m${offset}`,
        to,
        from: 'gateway',
        tenant: 'acme',
        priority: 'normal',
        trace: {},
        sentAt: 0,
        body: script,
        ...over,
      },
      position: { shard: shardOf(to), offset },
      settle: () => this.settledOffsets.set(offset, (this.settledOffsets.get(offset) ?? 0) + 1),
    }
  }

  get settledCount(): number {
    return this.settledOffsets.size
  }

  get settledTwice(): number[] {
    return [...this.settledOffsets].filter(([, times]) => times > 1).map(([offset]) => offset)
  }
}

export class HeldInMemory implements Quarantine {
  readonly entries = new Map<Address, QuarantineEntry>()
  readonly envelopes = new Map<Address, Envelope[]>()
  /** Rejections of the next holds. */
  failures: Error[] = []

  async hold(entry: Omit<QuarantineEntry, 'held'>, envelopes: readonly Envelope[]) {
    const failure = this.failures.shift()
    if (failure) throw failure
    const held = this.envelopes.get(entry.address) ?? []
    const isNew = (envelope: Envelope) => !held.some((other) => other.id === envelope.id)
    const all = [...held, ...envelopes.filter(isNew)]
    this.envelopes.set(entry.address, all)
    this.entries.set(entry.address, { ...entry, held: all.length })
  }
  async list() {
    return [...this.entries.values()]
  }
  async get(of: Address) {
    return this.entries.get(of)
  }
  async held(of: Address) {
    return this.envelopes.get(of) ?? []
  }
  async release(of: Address) {
    this.envelopes.delete(of)
    return this.entries.delete(of)
  }
}

export class ParkedInMemory implements DeadLetters {
  readonly letters: DeadLetter[] = []
  failures: Error[] = []

  async park(letter: Omit<DeadLetter, 'id'>) {
    const failure = this.failures.shift()
    if (failure) throw failure
    this.letters.push({ ...letter, id: String(this.letters.length) })
  }
  async list() {
    return this.letters
  }
  async get(id: string) {
    return this.letters.find((letter) => letter.id === id)
  }
  async remove() {
    return false
  }
}

/** A region of sessions that count, on a virtual clock. */
export class RegionWorld {
  readonly clock = new VirtualClock()
  readonly metrics = new CountingMetrics()
  readonly quarantine = new HeldInMemory()
  readonly parked = new ParkedInMemory()
  readonly log = new Log()
  readonly records = new Map<Address, Record>()
  readonly system = createActorSystem({
    clock: this.clock,
    ids: countedIds(),
    log: silentLogger,
    metrics: this.metrics,
  })
  idleMs = 60_000
  capacity = 100
  isIdle = true
  region!: Region

  async open(limits: PassivationLimits = {}): Promise<this> {
    this.region = createRegion({
      system: this.system,
      clock: this.clock,
      log: silentLogger,
      metrics: this.metrics,
      deadLetters: this.parked,
      quarantine: this.quarantine,
      limits,
      kinds: {
        session: { idleMs: this.idleMs, isIdle: () => this.isIdle, recipe: (of) => this.recipe(of) },
      },
    })
    await this.region.takeOver('session', allShards)
    return this
  }

  session(id: string): Address {
    return address('session', id)
  }

  record(of: Address): Record {
    const known = this.records.get(of) ?? { handled: [], starts: 0, live: 0, mostLive: 0 }
    this.records.set(of, known)
    return known
  }

  send(to: Address, script: Script, over: Partial<Envelope> = {}): 'accepted' | 'full' {
    return this.region.deliver(this.log.delivery(to, script, over))
  }

  /** Lets time pass until nothing waits for it, at most `ms`. */
  async pass(ms: number, step = 500): Promise<void> {
    for (let gone = 0; gone < ms; gone += step) {
      this.clock.advance(step)
      await settled(6)
    }
  }

  private recipe(of: Address): ActorRecipe<Delivery, number> {
    const record = this.record(of)
    return {
      type: 'session',
      capacity: this.capacity,
      start: async () => {
        record.live++
        record.starts++
        record.mostLive = Math.max(record.mostLive, record.live)
        return 0
      },
      receive: async (count, delivery) => {
        const { n, fail, wait } = delivery.envelope.body as Script
        await wait?.opened
        const failure = typeof fail === 'function' ? fail() : fail
        if (failure) {
          // A failed life ends without its stop hook; a message refused leaves it as it was.
          if (!(failure instanceof Failure && failure.disposition === 'dead-letter')) record.live--
          throw failure
        }
        record.handled.push(n)
        delivery.settle()
        return count + 1
      },
      stop: async () => {
        await settled(1)
        record.live--
      },
    }
  }
}
