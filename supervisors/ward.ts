import { type Address, shardOf } from '../actors/kernel/address.ts'
import type { Quarantine, QuarantineEntry } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { ResumeHow } from '../actors/kernel/region.ts'
import type { Delivery } from '../transports/mailbox.ts'
import type { Parking } from './parking.ts'

type Entry = Omit<QuarantineEntry, 'held'>

export interface WardParts {
  readonly quarantine: Quarantine
  /** Writes until it is written; false when the region is over. */
  readonly durably: (what: string, write: () => Promise<unknown>) => Promise<boolean>
  readonly parking: Parking
}

/**
 * The quarantined addresses and what is held for them.
 *   Q1. A delivery is settled only when it is held durably, so the shard's watermark goes on and nothing is lost.
 *   Q2. What is held stays held until all of it is settled by the resumed actor: a crash in between quarantines again.
 *   Q3. Writes about one address happen one after another: a release never forgets what was held after it began.
 */
export class Ward {
  private readonly parts: WardParts
  private readonly entries = new Map<Address, Entry>()
  private readonly writes = new Map<Address, Promise<unknown>>()
  /** The resumption whose settling releases the entry; a new admission revokes it. */
  private readonly resumptions = new Map<Address, object>()

  constructor(parts: WardParts) {
    this.parts = parts
  }

  /** Known from an earlier life of the process. */
  remember(entry: Entry): void {
    this.entries.set(entry.address, entry)
  }

  /** Its shard is owned elsewhere now, where the same rows tell the same. */
  forget(address: Address): void {
    this.entries.delete(address)
    this.resumptions.delete(address)
  }

  admit(entry: Entry, deliveries: readonly Delivery[]): void {
    this.resumptions.delete(entry.address)
    this.entries.set(entry.address, entry)
    this.hold(entry.address, deliveries)
  }

  /** Holds deliveries to an address that is in quarantine, behind those already held. */
  hold(address: Address, deliveries: readonly Delivery[]): void {
    const entry = this.entries.get(address)
    if (entry === undefined) return
    // A result of the actor's own doing cannot outlive it and need not: recovery starts the work anew.
    const envelopes = deliveries.filter((delivery) => delivery.position !== undefined).map((each) => each.envelope)
    void this.inOrder(address, async () => {
      const held = await this.parts.durably(`hold messages of ${address}`, () =>
        this.parts.quarantine.hold(entry, envelopes),
      )
      if (held) for (const delivery of deliveries) delivery.settle() // Q1
    })
  }

  /** Deliveries for the resumed actor in order, or undefined when there is no such entry. */
  resume(address: Address, how: ResumeHow): Promise<Delivery[] | undefined> {
    return this.inOrder(address, async () => {
      const entry = await this.parts.quarantine.get(address)
      if (entry === undefined) return undefined
      const { suspect } = entry
      const envelopes: Envelope[] = []
      for (const envelope of await this.parts.quarantine.held(address)) {
        if (suspect === undefined || envelope.id !== suspect.id) envelopes.push(envelope)
        else if (how.action === 'edit') envelopes.push({ ...suspect, body: how.body })
        else if (how.action === 'retry') envelopes.push(suspect)
        else
          await this.parts.parking.park(
            suspect,
            'POISON_MESSAGE',
            `${entry.code}: ${entry.detail}; dropped by an operator`,
          )
      }
      this.entries.delete(address)
      return this.releasing(address, envelopes)
    })
  }

  /** Q2. */
  private releasing(address: Address, envelopes: readonly Envelope[]): Delivery[] {
    const resumption = {}
    this.resumptions.set(address, resumption)
    let open = envelopes.length
    const release = () => {
      if (this.resumptions.get(address) !== resumption) return
      this.resumptions.delete(address)
      void this.inOrder(address, () =>
        this.parts.durably(`release ${address}`, () => this.parts.quarantine.release(address)),
      )
    }
    if (open === 0) release()
    // Not of a log any more, but durable all the same, and the actor must treat them so: hence a position.
    const position = { shard: shardOf(address), offset: -1 }
    return envelopes.map((envelope) => {
      let isOpen = true
      const settle = () => {
        if (isOpen && --open === 0) release()
        isOpen = false
      }
      return { envelope, position, settle }
    })
  }

  /** Q3. */
  private inOrder<T>(address: Address, write: () => Promise<T>): Promise<T> {
    const before = this.writes.get(address) ?? Promise.resolve()
    const done = before.then(write, write)
    this.writes.set(address, done)
    const forget = () => {
      if (this.writes.get(address) === done) this.writes.delete(address)
    }
    done.then(forget, forget)
    return done
  }

  /** When all that is being written now is written. */
  async written(): Promise<void> {
    await Promise.allSettled(this.writes.values())
  }
}
