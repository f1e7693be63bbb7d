import type { Address } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Quarantine } from '../../actors/kernel/dead-letters.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'

const LOOK_MS = 1_000

/**
 * Which addresses are quarantined, for a gateway that owns none: looked up once a second. Late by that second nothing is
 * lost: what is sent meanwhile is held with the rest, and its sender hears 2xx instead of SESSION_QUARANTINED.
 */
export class QuarantineWatch {
  private readonly quarantine: Pick<Quarantine, 'list'>
  private readonly clock: Clock
  private readonly log: Logger
  private addresses: ReadonlySet<Address> = new Set()
  private cancel = () => {}
  private closed = false

  constructor(quarantine: Pick<Quarantine, 'list'>, { clock, log }: { clock: Clock; log: Logger }) {
    this.quarantine = quarantine
    this.clock = clock
    this.log = log
  }

  async start(): Promise<this> {
    await this.look()
    return this
  }

  has(address: Address): boolean {
    return this.addresses.has(address)
  }

  close(): void {
    this.closed = true
    this.cancel()
  }

  private async look(): Promise<void> {
    try {
      this.addresses = new Set((await this.quarantine.list()).map(({ address }) => address))
    } catch (error) {
      this.log.debug({ error: String(error) }, 'the list of quarantined addresses cannot be read; the last one stands')
    }
    if (!this.closed) this.cancel = this.clock.after(LOOK_MS, () => void this.look())
  }
}
