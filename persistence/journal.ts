import type { ActorKind, Address } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { MemoryChanges } from './memory-rows.ts'
import type { TimerChange } from './timers.ts'

/**
 * The journal: what happened to each address, in order. The only truth; snapshots and records are derived from it.
 *   J1. Sequence numbers of an address are contiguous from 1.
 *   J2. An append whose epoch is superseded answers `fenced` and writes nothing (I2).
 *   J3. An envelope id is applied once per address; again, it answers `duplicate` and writes nothing (I3).
 *   J4. Events, inbox id, outbox, record, usage and memories of one append are written together or not at all (I4).
 *   J5. One bad append never fails its neighbours in a batch.
 *   J6. What `append` answered survives the death of the process.
 */
export interface Journal {
  /** Gathers appends while a commit is in flight and writes them in one statement. At most one append per address at a time. */
  append(append: Append): Promise<AppendResult>
  /** Events with seq > afterSeq in order, at most `limit` (<= 1,000), upcast to today's shapes by the caller's codec. */
  read(address: Address, afterSeq: number, limit: number): Promise<StoredEvent[]>
  /** Highest seq of the address; 0 when it has none. */
  head(address: Address): Promise<number>
  /** Whether the envelope was applied to the address: for redeliveries that the actor's own memory no longer covers. */
  wasApplied(address: Address, envelopeId: string): Promise<boolean>
  /** Addresses of these shards whose last append said `unfinished`: to be activated at takeover. */
  unfinished(kind: ActorKind, shards: readonly number[]): Promise<Address[]>
  /** Outbox rows not yet relayed, oldest first. */
  pendingOutbox(kind: ActorKind, shards: readonly number[], limit: number): Promise<Envelope[]>
  /**
   * Events of these shards not older than `since` (epoch milliseconds), by address and seq, at most `limit`, beginning
   * after the last of the page before: what a takeover publishes again.
   */
  recent(
    kind: ActorKind,
    shards: readonly number[],
    since: number,
    limit: number,
    after?: EventPlace,
  ): Promise<PlacedEvent[]>
  /** Forgets relayed outbox rows. */
  relayed(envelopeIds: readonly string[]): Promise<void>
  /**
   * Deletes what a session leaves: all its events but the last (the tombstone, which keeps it closed), those of its
   * finished tool calls, and the title and metadata of its record, which are somebody's words too. Its inbox stays, so
   * nothing is applied again, and so does its outbox: cancellations must get out. J1 then holds from the tombstone on.
   */
  erase(address: Address, epoch: number): Promise<void>
  /**
   * Forgets which envelopes were applied before that moment (epoch milliseconds). Only for what no mailbox can deliver
   * again: the caller leaves a margin of days, and never calls it before what was left over at a start is settled.
   */
  forgetApplied(before: number): Promise<number>
}

export interface Append {
  readonly address: Address
  readonly epoch: number
  readonly envelopeId: string
  /** Seq of the last event this activation knows; the first event written gets expectedSeq + 1. */
  readonly expectedSeq: number
  readonly events: readonly NewEvent[]
  readonly outbox: readonly Envelope[]
  /** True while the state has pending effects: a takeover must activate the address. */
  readonly unfinished: boolean
  /** What session lists and ownership checks read; upserted with the events. */
  readonly record?: SessionRecord
  /** Not stored: for a journal that is traced (infra/telemetry/traced.ts). */
  readonly trace?: Envelope['trace']
  /** Added to the day's counter of the tenant and persona in the same transaction: counted once, whatever crashes. */
  readonly usage?: UsageDelta
  /** What the address is to be told at a time (persistence/timers.ts), from these events on. */
  readonly timers?: readonly TimerChange[]
  /** Rows of a memory shard, put and removed with the events. */
  readonly memories?: MemoryChanges
}

export interface NewEvent {
  readonly kind: string
  readonly version: number
  readonly at: number
  /** JSON that a person can read in psql. */
  readonly data: unknown
}

export interface StoredEvent extends NewEvent {
  readonly seq: number
  readonly envelopeId: string
}

export interface EventPlace {
  readonly address: Address
  readonly seq: number
}

export interface PlacedEvent extends StoredEvent {
  readonly address: Address
}

export type AppendResult =
  | { readonly status: 'appended'; readonly seq: number }
  | { readonly status: 'duplicate' }
  | { readonly status: 'fenced' }
  /** Another activation wrote first: recover and decide again. */
  | { readonly status: 'conflict' }

/** Row of `session_envelopes`, the table the old stack's readers know. Merging follows facts: scalars COALESCE(new, old), metadata shallow. */
export interface SessionRecord {
  readonly sessionId: string
  readonly tenant: string
  readonly personaId: string
  readonly subject?: string
  readonly issuer?: string
  readonly scope?: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly title?: string
  readonly state: 'idle' | 'running' | 'paused' | 'quarantined' | 'deleted'
  readonly createdAt: number
  readonly updatedAt: number
}

export interface UsageDelta {
  readonly tenant: string
  readonly personaId: string
  /** UTC day, YYYYMMDD. */
  readonly day: string
  readonly tokens: number
  readonly costMicros: number
}

/** The sessions a tenant owns: read by the gateway, written by `claim` (birth) and by appends. */
export interface SessionRecords {
  /**
   * Births the session for this tenant, or returns the record that is there. The caller compares tenants: the first
   * claim wins for ever. Group-committed like appends.
   */
  claim(record: SessionRecord): Promise<SessionRecord>
  get(sessionId: string): Promise<SessionRecord | undefined>
  /** Newest first. `before` is the updatedAt|sessionId cursor of the last row seen. */
  list(query: {
    tenant: string
    limit: number
    before?: string
    search?: string
    state?: SessionRecord['state']
  }): Promise<{ records: SessionRecord[]; next?: string }>
}

export interface Usage {
  /** Tokens and cost spent by a tenant (all personas, or one) on a UTC day. */
  spent(tenant: string, day: string, personaId?: string): Promise<{ tokens: number; costMicros: number }>
}

/** First use of an Idempotency-Key fixes its fingerprint and ids; kept for 24 h. */
export interface IdempotencyKeys {
  remember(entry: IdempotencyEntry): Promise<IdempotencyEntry>
}

export interface IdempotencyEntry {
  readonly tenant: string
  readonly key: string
  /** Hash of method, path and body. */
  readonly fingerprint: string
  /** What the first request was answered, as JSON (ids only). */
  readonly answer: unknown
  readonly at: number
}
