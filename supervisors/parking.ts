import { isAddress, kindOf } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { DeadLetters } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { FailureCode } from '../actors/kernel/failure.ts'
import type { ActorMetrics } from '../actors/kernel/telemetry.ts'
import type { Delivery } from '../transports/mailbox.ts'

/** Where deliveries go that no actor can handle (I8). Settled when parked durably, not before. */
export class Parking {
  private readonly parts: {
    readonly clock: Clock
    readonly metrics: ActorMetrics
    readonly deadLetters: DeadLetters
    readonly durably: (what: string, write: () => Promise<unknown>) => Promise<boolean>
  }

  constructor(parts: Parking['parts']) {
    this.parts = parts
  }

  async parkAndSettle(delivery: Delivery, code: FailureCode, detail: string): Promise<void> {
    // A result from inside the process is no envelope that anyone could replay.
    if (delivery.position === undefined || (await this.park(delivery.envelope, code, detail))) delivery.settle()
  }

  park(envelope: Envelope, code: FailureCode, detail: string): Promise<boolean> {
    const { clock, metrics, deadLetters } = this.parts
    const at = clock.now()
    metrics.deadLettered(isAddress(envelope.to) ? kindOf(envelope.to) : 'unknown', code)
    return this.parts.durably(`park ${envelope.id}`, () =>
      deadLetters.park({ envelope, source: envelope.to, code, detail, retries: 0, at }),
    )
  }
}
