import type { Address } from '../actors/kernel/address.ts'
import type { Ids } from '../actors/kernel/clock.ts'
import type { DeadLetter, DeadLetters, Quarantine, QuarantineEntry } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { copyOf } from './in-memory-store.ts'

export class InMemoryDeadLetters implements DeadLetters {
  private readonly ids: Ids
  private readonly letters = new Map<string, DeadLetter>()

  constructor(ids: Ids) {
    this.ids = ids
  }

  async park(letter: Omit<DeadLetter, 'id'>): Promise<void> {
    const same = [...this.letters.values()].some(
      (it) => it.envelope.id === letter.envelope.id && it.code === letter.code,
    )
    if (same) return
    const id = this.ids.uuid()
    this.letters.set(id, { ...copyOf(letter), id })
  }

  async list(query: { tenant?: string; address?: Address; limit: number; before?: string }): Promise<DeadLetter[]> {
    const newestFirst = [...this.letters.values()].reverse()
    const from = query.before === undefined ? 0 : newestFirst.findIndex((it) => it.id === query.before) + 1
    return copyOf(
      newestFirst
        .slice(from)
        .filter(({ envelope }) => (query.tenant ?? envelope.tenant) === envelope.tenant)
        .filter(({ envelope }) => (query.address ?? envelope.to) === envelope.to)
        .slice(0, query.limit),
    )
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    return copyOf(this.letters.get(id))
  }

  async remove(id: string): Promise<boolean> {
    return this.letters.delete(id)
  }
}

export class InMemoryQuarantine implements Quarantine {
  private readonly entries = new Map<Address, Omit<QuarantineEntry, 'held'>>()
  private readonly envelopes = new Map<Address, Map<string, Envelope>>()

  async hold(
    entry: Omit<QuarantineEntry, 'held' | 'since'> & { since: number },
    envelopes: readonly Envelope[],
  ): Promise<void> {
    const old = this.entries.get(entry.address)
    this.entries.set(entry.address, {
      ...copyOf(entry),
      tenant: old?.tenant ?? entry.tenant,
      since: old?.since ?? entry.since,
      suspect: copyOf(entry.suspect ?? old?.suspect),
    })
    const held = this.envelopes.get(entry.address) ?? new Map<string, Envelope>()
    for (const envelope of envelopes) if (!held.has(envelope.id)) held.set(envelope.id, copyOf(envelope))
    this.envelopes.set(entry.address, held)
  }

  async list(tenant?: string): Promise<QuarantineEntry[]> {
    const entries = [...this.entries.values()].filter((it) => (tenant ?? it.tenant) === it.tenant)
    return entries.sort((a, b) => a.since - b.since).map((it) => this.withCount(it))
  }

  async get(address: Address): Promise<QuarantineEntry | undefined> {
    const entry = this.entries.get(address)
    return entry && this.withCount(entry)
  }

  async held(address: Address): Promise<Envelope[]> {
    return copyOf([...(this.envelopes.get(address)?.values() ?? [])])
  }

  async release(address: Address): Promise<boolean> {
    this.envelopes.delete(address)
    return this.entries.delete(address)
  }

  private withCount(entry: Omit<QuarantineEntry, 'held'>): QuarantineEntry {
    return { ...entry, held: this.envelopes.get(entry.address)?.size ?? 0 }
  }
}
