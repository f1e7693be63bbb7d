import type { Delivery } from '../../transports/mailbox.ts'
import type { ActorRecipe } from './actor.ts'
import type { ActorKind, Address } from './address.ts'
import type { ClusterOperations } from './cluster.ts'
import type { Envelope } from './envelope.ts'

/**
 * Finds or activates the one actor of an address (supervisors/region.ts).
 *   R1. Never two activations of one address at once, whatever races: a new one starts only after the old one's
 *       running handler and stop hook are done.
 *   R2. A delivery is settled, held in quarantine, or still here; never lost on a restart, a passivation or a crash.
 *   R3. Deliveries to one address are handled in the order given, across restarts.
 */
export interface Region {
  deliver(delivery: Delivery): 'accepted' | 'full'
  /** Starts the actor without a message, so that unfinished work goes on after a takeover. */
  activate(address: Address): void
  isActive(address: Address): boolean
  active(): number
  /** Undelivered messages of the address, its activation's mailbox included. */
  depth(address: Address): number
  isQuarantined(address: Address): boolean
  /**
   * Ends a quarantine: what was held is delivered again in order. `drop` parks the suspect as a dead letter,
   * `edit` replaces its body, `retry` leaves it as it was.
   */
  resume(address: Address, how: ResumeHow): Promise<boolean>
  /** Stops the activation when it has nothing pending. */
  passivate(address: Address, reason: 'idle' | 'memory' | 'drain'): Promise<void>
  /** These shards are owned here from now on; their quarantined addresses are known when it resolves. Before any delivery. */
  takeOver(kind: ActorKind, shards: readonly number[]): Promise<void>
  /**
   * Stops what is active in these shards, so that another node may own them; resolves when nothing of them runs here any
   * more, or at the time limit. What was not handled stays unsettled in the mailbox.
   */
  handOver(kind: ActorKind, shards: readonly number[], timeoutMs: number): Promise<void>
  /** Takes no more deliveries and passivates everything; what is not handled stays unsettled in the mailbox. */
  drain(timeoutMs: number): Promise<void>
}

export type ResumeHow =
  | { readonly action: 'retry' }
  | { readonly action: 'drop' }
  | { readonly action: 'edit'; readonly body: unknown }

/** How the addressed actors of a kind are made (infra/wire.ts gives one per kind). */
export interface AddressedKind<State = unknown> {
  recipe(address: Address): ActorRecipe<Delivery, State>
  /** Whether this state may be passivated now (nothing pending). */
  isIdle(state: State): boolean
  readonly idleMs: number
  /** Busy, but with nothing that a drain could let finish: it waits for a message. */
  isWaiting?(state: State): boolean
  /** How long a drain lets busy actors of the kind finish before it stops them; 0 by default. */
  readonly finishMs?: number
}

/** What an operator can see and do on this process; the gateway's /v1/admin and the CLI speak to it. */
export interface Operations {
  tree(): Promise<readonly import('./actor.ts').ActorNode[]>
  replayDeadLetter(id: string, edited?: { readonly body: unknown }): Promise<Envelope | undefined>
  isQuarantined(address: Address): boolean
  resume(address: Address, how: ResumeHow): Promise<boolean>
  /** The cluster, where there is one. */
  readonly cluster?: ClusterOperations
}
