import type { Address } from './address.ts'

/**
 * A message and what is known of it. The id is the unit of deduplication (I3): whoever sends the same thing again
 * sends the same id, so ids of actor-sent envelopes are derived, never drawn (I4).
 */
export interface Envelope<Body = unknown> {
  readonly id: string
  readonly to: Address
  /** An address, or an edge: `gateway`, `cli`, `operator`, `recovery`. */
  readonly from: string
  readonly tenant: string
  /** Id of the envelope whose handling sent this one. */
  readonly cause?: string
  /** Epoch milliseconds after which handling it is of no use to the sender; then it is a dead letter (EXPIRED). */
  readonly deadline?: number
  /** `control` is admitted into the reserve of a full mailbox. It never overtakes (I7: stop must follow what it stops). */
  readonly priority: 'normal' | 'control'
  /** W3C trace context and log fields, carried unchanged. */
  readonly trace: Readonly<Record<string, string>>
  readonly sentAt: number
  readonly body: Body
}

/** I4: the same state and cause always give the same id, so a crash between append and relay cannot double a message. */
export function derivedId(address: Address, seq: number, index: number): string {
  return `${address}/${seq}/${index}`
}
