import type { ActorKind, Address } from '../actors/kernel/address.ts'
import { idOf, kindOf, shardOf } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { Failure } from '../actors/kernel/failure.ts'
import { applyMemoryChanges } from './in-memory-memory-rows.ts'
import { copyOf, type InMemoryStore } from './in-memory-store.ts'
import type {
  Append,
  AppendResult,
  EventPlace,
  Journal,
  PlacedEvent,
  SessionRecord,
  StoredEvent,
  Usage,
} from './journal.ts'

/** J1-J5 without a disk; J6 is what it cannot promise. */
export class InMemoryJournal implements Journal, Usage {
  private readonly store: InMemoryStore

  constructor(store: InMemoryStore) {
    this.store = store
  }

  async append(append: Append): Promise<AppendResult> {
    const { address, envelopeId, expectedSeq } = append
    const inbox = this.store.inbox.get(address) ?? new Set()
    const events = this.store.events.get(address) ?? []
    if (this.store.epochOf(address) !== append.epoch) return { status: 'fenced' }
    if (inbox.has(envelopeId)) return { status: 'duplicate' }
    if ((events.at(-1)?.seq ?? 0) !== expectedSeq) return { status: 'conflict' }
    const stored = append.events.map((event, i) => ({ ...copyOf(event), seq: expectedSeq + i + 1, envelopeId }))
    this.store.events.set(address, [...events, ...stored])
    this.store.inbox.set(address, inbox.add(envelopeId))
    if (append.unfinished) this.store.unfinished.add(address)
    else this.store.unfinished.delete(address)
    for (const envelope of append.outbox) {
      this.store.outbox.set(envelope.id, { from: address, envelope: copyOf(envelope) })
    }
    applyMemoryChanges(this.store, append)
    if (append.record !== undefined) this.upsert(copyOf(append.record))
    if (append.usage !== undefined) {
      const { tenant, day, personaId, tokens, costMicros } = append.usage
      const key = JSON.stringify([tenant, day, personaId])
      const before = this.store.usage.get(key) ?? { tokens: 0, costMicros: 0 }
      this.store.usage.set(key, { tokens: before.tokens + tokens, costMicros: before.costMicros + costMicros })
    }
    for (const { timerId, tenant, due } of append.timers ?? []) {
      const key = JSON.stringify([address, timerId])
      if (due === null) this.store.timers.delete(key)
      else this.store.timers.set(key, { address, timerId, tenant, due })
    }
    return { status: 'appended', seq: expectedSeq + stored.length }
  }

  async read(address: Address, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    const events = this.store.events.get(address) ?? []
    return copyOf(events.filter((event) => event.seq > afterSeq).slice(0, Math.min(limit, 1_000)))
  }

  async head(address: Address): Promise<number> {
    return this.store.events.get(address)?.at(-1)?.seq ?? 0
  }

  async wasApplied(address: Address, envelopeId: string): Promise<boolean> {
    return this.store.inbox.get(address)?.has(envelopeId) ?? false
  }

  async unfinished(kind: ActorKind, shards: readonly number[]): Promise<Address[]> {
    return [...this.store.unfinished].filter((it) => kindOf(it) === kind && shards.includes(shardOf(it))).sort()
  }

  async pendingOutbox(kind: ActorKind, shards: readonly number[], limit: number): Promise<Envelope[]> {
    return [...this.store.outbox.values()]
      .filter(({ from }) => kindOf(from) === kind && shards.includes(shardOf(from)))
      .slice(0, limit)
      .map(({ envelope }) => copyOf(envelope))
  }

  async recent(
    kind: ActorKind,
    shards: readonly number[],
    since: number,
    limit: number,
    after: EventPlace = { address: 'session:', seq: 0 },
  ): Promise<PlacedEvent[]> {
    const isAfter = (address: Address, seq: number) =>
      address > after.address || (address === after.address && seq > after.seq)
    return [...this.store.events]
      .filter(([address]) => kindOf(address) === kind && shards.includes(shardOf(address)))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([address, events]) => copyOf(events).map((event) => ({ address, ...event })))
      .filter(({ address, seq, at }) => at >= since && isAfter(address, seq))
      .slice(0, Math.min(limit, 1_000))
  }

  async relayed(envelopeIds: readonly string[]): Promise<void> {
    for (const id of envelopeIds) this.store.outbox.delete(id)
  }

  async erase(address: Address, epoch: number): Promise<void> {
    if (this.store.epochOf(address) !== epoch) throw new Failure('EPOCH_FENCED', `${address} is owned elsewhere`)
    const tombstone = this.store.events.get(address)?.at(-1)
    if (tombstone) this.store.events.set(address, [tombstone])
    this.store.unfinished.delete(address)
    const record = this.store.records.get(idOf(address))
    if (record) {
      const { title: _, ...rest } = record
      this.store.records.set(record.sessionId, { ...rest, metadata: {} })
    }
    const calls = `tool:${idOf(address)}/`
    for (const of of this.store.events.keys()) {
      if (of.startsWith(calls) && !this.store.unfinished.has(of)) this.store.events.delete(of)
    }
  }

  /** An inbox has no times here; an address counts as old as its last event. */
  async forgetApplied(before: number): Promise<number> {
    let forgotten = 0
    for (const [address, applied] of this.store.inbox) {
      if ((this.store.events.get(address)?.at(-1)?.at ?? 0) >= before) continue
      forgotten += applied.size
      this.store.inbox.delete(address)
    }
    return forgotten
  }

  async spent(tenant: string, day: string, personaId?: string): Promise<{ tokens: number; costMicros: number }> {
    const spent = { tokens: 0, costMicros: 0 }
    for (const [key, usage] of this.store.usage) {
      const [itsTenant, itsDay, itsPersona] = JSON.parse(key) as [string, string, string]
      if (itsTenant !== tenant || itsDay !== day || (personaId ?? itsPersona) !== itsPersona) continue
      spent.tokens += usage.tokens
      spent.costMicros += usage.costMicros
    }
    return spent
  }

  private upsert(record: SessionRecord): void {
    const old = this.store.records.get(record.sessionId)
    this.store.records.set(record.sessionId, {
      ...old,
      ...record,
      tenant: old?.tenant ?? record.tenant,
      metadata: { ...old?.metadata, ...record.metadata },
      createdAt: old?.createdAt ?? record.createdAt,
      updatedAt: Math.max(old?.updatedAt ?? 0, record.updatedAt),
    })
  }
}
