import type { Address } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import type { Append, AppendResult, Journal, StoredEvent } from '../../persistence/journal.ts'

/**
 * A journal that dies with the spec: J1 to J4 of persistence/journal.ts, at once. For specs of actors, where the
 * database (four seconds to its first append) would prove nothing more; its own promises have their own suite.
 */
export class MemoryJournal implements Journal {
  readonly events = new Map<Address, StoredEvent[]>()
  readonly sent: Envelope[] = []
  readonly #applied = new Set<string>()
  readonly #unfinished = new Set<Address>()

  async append(append: Append): Promise<AppendResult> {
    const { address, envelopeId, expectedSeq, events, outbox, unfinished } = append
    const inbox = `${address} ${envelopeId}`
    const stored = this.events.get(address) ?? []
    if (this.#applied.has(inbox)) return { status: 'duplicate' }
    if (stored.length !== expectedSeq) return { status: 'conflict' }
    this.#applied.add(inbox)
    // Through JSON, as a database would: what a codec cannot carry must fail here too.
    const data = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown
    events.forEach((event, index) => {
      stored.push({ ...event, data: data(event.data), seq: expectedSeq + index + 1, envelopeId })
    })
    this.events.set(address, stored)
    this.sent.push(...outbox)
    if (unfinished) this.#unfinished.add(address)
    else this.#unfinished.delete(address)
    return { status: 'appended', seq: stored.length }
  }

  async read(address: Address, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    return (this.events.get(address) ?? []).slice(afterSeq, afterSeq + limit)
  }

  async head(address: Address): Promise<number> {
    return this.events.get(address)?.length ?? 0
  }

  async wasApplied(address: Address, envelopeId: string): Promise<boolean> {
    return this.#applied.has(`${address} ${envelopeId}`)
  }

  async unfinished(): Promise<Address[]> {
    return [...this.#unfinished]
  }

  async pendingOutbox(): Promise<Envelope[]> {
    return [...this.sent]
  }

  async recent(): Promise<never[]> {
    return []
  }

  async relayed(): Promise<void> {}

  async erase(address: Address): Promise<void> {
    this.events.delete(address)
  }

  async forgetApplied(): Promise<number> {
    return 0
  }

  kinds(address: Address): string[] {
    return (this.events.get(address) ?? []).map(({ kind }) => kind)
  }
}
