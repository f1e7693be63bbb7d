import type { Address } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { MessageContext } from '../actors/kernel/message-context.ts'
import type { Ref } from '../actors/kernel/ref.ts'
import type { AddressedKind } from '../actors/kernel/region.ts'
import type { Delivery } from '../transports/mailbox.ts'

/**
 * One address as the region sees it, from its first delivery until nothing of it is left:
 *
 *   active ──▶ leaving ──▶ (gone, or active again when something came meanwhile)
 *     │ beyond mending          ▲
 *     └─▶ quarantined ─▶ resuming ─▶ active
 *
 * `pending` is what its actor has not been told: order is the actor's mailbox, then `pending`, then the durable mailbox.
 */
export interface Lane {
  readonly address: Address
  readonly kind: AddressedKind
  status: 'active' | 'leaving' | 'quarantined' | 'resuming'
  /** The live actor; undefined in quarantine. */
  ref: Ref<Delivery> | undefined
  type: string
  pending: Delivery[]
  /** Most that may be pending: the actor's own capacity. */
  capacity: number
  touchedAt: number
  left: Promise<void> | undefined
  /** Its shard went and came back while the actor was stopping: see `anew`. */
  anew: boolean
}

/**
 * The shard of an actor that still stops is owned here again. What it was told comes again from the log, under the new
 * epoch; that the old one ends (fenced, very likely) says nothing of what is delivered from now on.
 */
export function anew(lane: Lane): void {
  if (lane.status !== 'leaving') return
  lane.anew = true
  lane.pending = []
}

export function newLane(address: Address, kind: AddressedKind, now: number, status: Lane['status']): Lane {
  return {
    address,
    kind,
    status,
    ref: undefined,
    type: address.slice(0, address.indexOf(':')),
    pending: [],
    capacity: 1_000,
    touchedAt: now,
    left: undefined,
    anew: false,
  }
}

/** Most envelopes have no trace, and pay for no context. */
export function contextOf(envelope: Envelope): MessageContext | undefined {
  const { trace } = envelope
  for (const _ in trace) return { trace, fields: { envelope: envelope.id, tenant: envelope.tenant } }
  return undefined
}
