import type { ActorKind, Address } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Journal } from '../persistence/journal.ts'
import type { Mailbox } from './mailbox.ts'

const BATCH = 256
const RECOVERED = 10_000
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000

export interface OutboxRelayOptions {
  readonly journal: Pick<Journal, 'pendingOutbox' | 'relayed'>
  readonly mailbox: Pick<Mailbox, 'sendAll'>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Sends what appends wrote to the outbox, and forgets it once the mailbox has it (I4). One lane per receiver, because a
 * full mailbox must hold back its own envelopes only.
 *   O1. Envelopes to one receiver are sent in the order in which they were offered; a failed batch is sent again, with
 *       backoff, before anything later of its lane.
 *   O2. A row is forgotten only after `sendAll` resolved. A crash in between sends it again: the same id, a duplicate.
 *   O3. What `recover` finds is sent before what is offered after it.
 * A lane holds what is journaled and cannot be refused any more; its bound is that a session waits for its tools.
 */
export class OutboxRelay {
  private readonly journal: OutboxRelayOptions['journal']
  private readonly mailbox: OutboxRelayOptions['mailbox']
  private readonly clock: Clock
  private readonly log: Logger
  private readonly lanes = new Map<Address, { readonly queue: Envelope[]; readonly done: Promise<void> }>()
  private readonly pauses = new Set<() => void>()
  private closed = false

  constructor(options: OutboxRelayOptions) {
    this.journal = options.journal
    this.mailbox = options.mailbox
    this.clock = options.clock
    this.log = options.log
  }

  /**
   * Offers what an earlier run, or the shards' earlier owner, left behind; to be awaited before the shards' actors start
   * (O3). Waits for the sending only beyond RECOVERED envelopes, as a receiver may have to start before it has room.
   */
  async recover(kind: ActorKind, shards: readonly number[]): Promise<number> {
    for (let recovered = 0; ; ) {
      const pending = await this.journal.pendingOutbox(kind, shards, RECOVERED)
      this.offer(pending)
      recovered += pending.length
      if (pending.length < RECOVERED || this.closed) return recovered
      await this.idle()
    }
  }

  /** To be called after each append that wrote outbox rows, in the order of the appends. */
  offer(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) {
      const lane = this.lanes.get(envelope.to)
      if (lane !== undefined) lane.queue.push(envelope)
      else {
        const queue = [envelope]
        this.lanes.set(envelope.to, { queue, done: this.run(envelope.to, queue) })
      }
    }
  }

  /** Envelopes offered and not yet relayed. */
  get depth(): number {
    let depth = 0
    for (const lane of this.lanes.values()) depth += lane.queue.length
    return depth
  }

  /** Resolves when everything offered was relayed. */
  async idle(): Promise<void> {
    while (this.lanes.size > 0) await Promise.all([...this.lanes.values()].map((lane) => lane.done))
  }

  /** Stops after the sends in flight; what remains is in the journal and is sent at the next start. */
  async close(): Promise<void> {
    this.closed = true
    for (const wake of this.pauses) wake()
    await this.idle()
  }

  private async run(receiver: Address, queue: Envelope[]): Promise<void> {
    await Promise.resolve() // `lanes` knows this lane before it can end, and one append's envelopes are one batch
    while (queue.length > 0 && !this.closed) {
      const batch = queue.slice(0, BATCH)
      await this.relay(batch)
      queue.splice(0, batch.length)
    }
    this.lanes.delete(receiver)
  }

  private async relay(batch: readonly Envelope[]): Promise<void> {
    for (let delay = FIRST_RETRY_MS; !this.closed; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      try {
        await this.mailbox.sendAll(batch) // O1
        await this.journal.relayed(batch.map((envelope) => envelope.id)) // O2
        return
      } catch (error) {
        this.log.warn({ to: batch[0]?.to, error: String(error), delay }, 'the outbox could not be relayed yet')
        await this.pause(delay)
      }
    }
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel()
        this.pauses.delete(wake)
        resolve()
      }
      const cancel = this.clock.after(delayMs, wake)
      this.pauses.add(wake)
    })
  }
}
