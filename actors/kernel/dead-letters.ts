import type { Address } from './address.ts'
import type { Envelope } from './envelope.ts'
import type { FailureCode } from './failure.ts'

/** I8: what could not be handled is kept with its cause, visible and replayable. */
export interface DeadLetter {
  readonly id: string
  readonly envelope: Envelope
  readonly source: string
  readonly code: FailureCode
  readonly detail: string
  readonly retries: number
  readonly at: number
}

export interface DeadLetters {
  /** Durable before it resolves; the message may then be settled. The same envelope and code twice is one dead letter. */
  park(letter: Omit<DeadLetter, 'id'>): Promise<void>
  list(query: { tenant?: string; address?: Address; limit: number; before?: string }): Promise<DeadLetter[]>
  get(id: string): Promise<DeadLetter | undefined>
  /** Removes it; replaying is sending its envelope again under a new id (`<id>/replay/<n>`). */
  remove(id: string): Promise<boolean>
}

/**
 * An address that failed beyond its intensity. The message at the head of its mailbox is the suspect; that one and all
 * that follow are held here, in order, durable, and settled in the mailbox, so that a shard's watermark goes on.
 */
export interface QuarantineEntry {
  readonly address: Address
  readonly tenant: string
  readonly code: FailureCode
  readonly detail: string
  readonly suspect: Envelope | undefined
  readonly since: number
  /** Messages held, the suspect included. */
  readonly held: number
}

export interface Quarantine {
  /** Opens the entry (or renews its cause) and holds these envelopes behind those already held. Durable when resolved. */
  hold(
    entry: Omit<QuarantineEntry, 'held' | 'since'> & { since: number },
    envelopes: readonly Envelope[],
  ): Promise<void>
  list(tenant?: string): Promise<QuarantineEntry[]>
  get(address: Address): Promise<QuarantineEntry | undefined>
  held(address: Address): Promise<Envelope[]>
  /** Closes the entry and forgets what it held: the caller has sent it again, edited it or parked it. */
  release(address: Address): Promise<boolean>
}
