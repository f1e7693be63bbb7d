import type { ActorKind, Address } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { LowWatermark } from '../actors/kernel/low-watermark.ts'
import { pause } from '../actors/kernel/pause.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { MailboxRows, StoredShard } from '../persistence/mailbox-rows.ts'
import { AddressLanes } from './address-lanes.ts'
import type { Delivery } from './mailbox.ts'

const WINDOW = 500
const READ_AGAIN_MS = 500

interface Surroundings {
  readonly rows: MailboxRows
  readonly clock: Clock
  readonly log: Logger
  /** The watermark moved and is to be stored. */
  moved(shard: MailboxShard): void
  /** The number of unsettled envelopes changed. */
  counted(change: number): void
}

type Receive = (delivery: Delivery) => 'accepted' | 'full'

/**
 * One shard of the in-process mailbox.
 *
 *   state    | a commit…                                  | leaves it when
 *   closed   | stays in the rows                          | open()
 *   catching | stays in the rows, to be read there        | a read reaches the newest commit -> live; close()
 *   live     | is delivered from memory, nothing is read  | close()
 *
 *   D1. Deliveries of one address are offered in offset order; one that is `full` holds back that address alone.
 *   D2. Every row at or above the watermark is offered exactly once per opening: `loaded` is the newest offset seen.
 *   D3. What settles once the shard was opened again changes nothing: the new opening offers it again.
 */
export class MailboxShard {
  readonly kind: ActorKind
  readonly number: number
  private readonly around: Surroundings
  private state: 'closed' | 'catching' | 'live' = 'closed'
  private opening = 0
  private receiver: Receive = () => 'full'
  private low = new LowWatermark(0)
  private next = 0
  private newest = -1
  private loaded = -1
  /** Offsets below it are counted when they are loaded, those from it on when they are sent. */
  private countedFrom = 0
  private count = 0
  private readonly perAddress = new Map<Address, number>()
  private readonly lanes: AddressLanes<{ readonly offset: number; readonly envelope: Envelope }>

  constructor(kind: ActorKind, number: number, around: Surroundings) {
    this.kind = kind
    this.number = number
    this.around = around
    this.lanes = new AddressLanes((item) => this.offer(item), around.clock)
  }

  restore(stored: StoredShard): void {
    this.low = new LowWatermark(stored.watermark)
    this.next = stored.next
    this.newest = stored.next - 1
    this.countedFrom = 0
    this.count = stored.backlog
    this.around.counted(stored.backlog)
  }

  get watermark(): number {
    return this.low.value
  }

  get unsettled(): number {
    return this.count
  }

  unsettledOf(address: Address): number {
    return this.perAddress.get(address) ?? 0
  }

  /** The offset of an envelope about to be stored. */
  reserve(envelope: Envelope): number {
    this.add(envelope.to, 1)
    return this.next++
  }

  committed(offset: number, envelope: Envelope): void {
    this.newest = Math.max(this.newest, offset)
    if (this.state === 'live') this.arrive(offset, envelope)
  }

  refused(offset: number, envelope: Envelope): void {
    if (offset >= this.countedFrom) this.add(envelope.to, -1)
  }

  async open(receive: Receive): Promise<void> {
    if (this.state !== 'closed') throw new Error(`shard ${this.kind}/${this.number} is received already`)
    const opening = ++this.opening
    this.state = 'catching'
    this.receiver = receive
    this.low = new LowWatermark(this.low.value)
    this.loaded = this.low.value - 1
    this.countedFrom = this.next
    this.around.counted(-this.count)
    this.count = 0
    this.perAddress.clear()
    await this.catchUp(opening)
  }

  /** Deliveries already made may still settle, so an orderly stop closes first and drains after. */
  close(): void {
    this.state = 'closed'
    this.lanes.clear()
  }

  private async catchUp(opening: number): Promise<void> {
    while (this.loaded < this.newest) {
      const { newest } = this
      const rows = await this.window()
      if (this.state !== 'catching' || opening !== this.opening) return
      for (const row of rows) this.arrive(row.offset, row.envelope)
      // An offset whose commit failed has no row, so a short window counts as all that was committed before it was read.
      if (rows.length < WINDOW) this.loaded = Math.max(this.loaded, newest)
    }
    // No await since the check, so no commit can slip in between: what comes now is delivered from memory (D2).
    this.state = 'live'
  }

  private async window(): Promise<readonly { offset: number; envelope: Envelope }[]> {
    const { rows, clock, log } = this.around
    for (;;) {
      try {
        return await rows.read(this.kind, this.number, this.loaded + 1, WINDOW)
      } catch (error) {
        if (this.state !== 'catching') return []
        log.warn({ kind: this.kind, shard: this.number, error: String(error) }, 'mailbox rows cannot be read')
        await pause(clock, READ_AGAIN_MS)
      }
    }
  }

  private arrive(offset: number, envelope: Envelope): void {
    if (offset <= this.loaded) return // D2: read from the rows before its commit was reported
    this.loaded = offset
    if (offset < this.countedFrom) this.add(envelope.to, 1)
    this.low.delivered(offset)
    this.lanes.arrive({ offset, envelope })
  }

  private offer({ offset, envelope }: { readonly offset: number; readonly envelope: Envelope }): boolean {
    const opening = this.opening
    let settled = false
    const answer = this.receiver({
      envelope,
      position: { shard: this.number, offset },
      settle: () => {
        if (settled || opening !== this.opening) return // D3
        settled = true
        this.add(envelope.to, -1)
        if (this.low.settled(offset)) this.around.moved(this)
        this.lanes.settled(envelope.to)
      },
    })
    return answer === 'accepted'
  }

  private add(address: Address, change: 1 | -1): void {
    this.count += change
    this.around.counted(change)
    const count = (this.perAddress.get(address) ?? 0) + change
    if (count > 0) this.perAddress.set(address, count)
    else this.perAddress.delete(address)
  }
}
