import type { ActorKind } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'

/**
 * The durable mailbox between senders and the owners of shards: Kafka in a cluster, rows of the journal database in one
 * process. At-least-once, in order per sender and address; receivers deduplicate by envelope id.
 *   M1. `send` resolves only when the envelope survives the loss of any one process (I1).
 *   M2. Envelopes to one address are delivered in the order in which `send` accepted them (I7).
 *   M3. The stored offset of a shard is the lowest not yet settled (I5); after a restart delivery resumes there.
 *   M4. An envelope id that was sent twice may be delivered twice, but never zero times.
 */
export interface Mailbox {
  /** Rejects with MAILBOX_FULL (and retryAfter) when the shard's backlog is over its limit, JOURNAL_UNAVAILABLE when it cannot be stored. */
  send(envelope: Envelope): Promise<void>
  /** Like `send`, all of them in one batch. */
  sendAll(envelopes: readonly Envelope[]): Promise<void>
  /**
   * Starts delivering the shards of a kind from their stored offsets. `receive` only enqueues, never works. When it
   * answers `full` the mailbox keeps the delivery and that address's later ones (no other address waits) and offers
   * them again when one of the address's deliveries settles or after a short while.
   */
  receive(
    kind: ActorKind,
    shards: readonly number[],
    receive: (delivery: Delivery) => 'accepted' | 'full',
  ): Promise<Subscription>
  /** Envelopes accepted and not yet settled. */
  backlog(kind: ActorKind): number
  close(): Promise<void>
}

export interface Delivery {
  readonly envelope: Envelope
  /** Undefined for messages from inside the process (a child's result), which need no offset. */
  readonly position?: { readonly shard: number; readonly offset: number }
  /** Exactly once per delivery: journaled, found to be a duplicate, or parked as a dead letter. */
  settle(): void
}

export interface Subscription {
  /** Stops new deliveries, stores the low watermark, and resolves when that is durable. */
  close(): Promise<void>
}
