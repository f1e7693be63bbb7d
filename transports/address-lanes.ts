import type { Address } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'

const OFFER_AGAIN_MS = 50

/**
 * What a receiver would not take yet, in order, for each address. An address that is full holds back its own envelopes and
 * nobody else's; they are offered again when one of its deliveries settles, or after a short while.
 */
export class AddressLanes<Item extends { readonly envelope: Envelope }> {
  private readonly offer: (item: Item) => boolean
  private readonly clock: Clock
  private readonly held = new Map<Address, Item[]>()
  private cancelOffer: (() => void) | undefined

  constructor(offer: (item: Item) => boolean, clock: Clock) {
    this.offer = offer
    this.clock = clock
  }

  arrive(item: Item): void {
    const { to } = item.envelope
    const lane = this.held.get(to)
    if (lane !== undefined) lane.push(item)
    else if (!this.offer(item)) {
      this.held.set(to, [item])
      this.offerLater()
    }
  }

  /** Envelopes of the address that are held back. */
  depth(address: Address): number {
    return this.held.get(address)?.length ?? 0
  }

  settled(address: Address): void {
    // Not from within settle: the actor may be in the middle of its turn.
    if (this.held.has(address)) queueMicrotask(() => this.offerHeld(address))
  }

  clear(): void {
    this.held.clear()
    this.cancelOffer?.()
    this.cancelOffer = undefined
  }

  private offerLater(): void {
    if (this.held.size === 0 || this.cancelOffer !== undefined) return
    this.cancelOffer = this.clock.after(OFFER_AGAIN_MS, () => {
      this.cancelOffer = undefined
      for (const address of [...this.held.keys()]) this.offerHeld(address)
      this.offerLater()
    })
  }

  private offerHeld(address: Address): void {
    const lane = this.held.get(address)
    if (lane === undefined) return
    let offered = 0
    for (const item of lane) {
      if (!this.offer(item)) break
      offered++
    }
    if (offered === lane.length) this.held.delete(address)
    else lane.splice(0, offered)
  }
}
