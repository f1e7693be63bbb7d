import type { ActorKind, Address } from '../actors/kernel/address.ts'
import { idOf, kindOf, shardOf } from '../actors/kernel/address.ts'
import type { BatchObserver } from '../actors/kernel/batcher.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { Failure } from '../actors/kernel/failure.ts'
import { appendParams, appendStatement } from './append-statement.ts'
import { rowsOf } from './database-failure.ts'
import type { Append, AppendResult, EventPlace, Journal, PlacedEvent, StoredEvent } from './journal.ts'
import type { Sql } from './sql.ts'
import { StatementBatcher } from './statement-batcher.ts'
import { fromStoredJson, fromStoredText, toStoredText } from './stored-json.ts'

const MAX_READ = 1_000
/** Reads in one statement: beyond it the answer, not the statement, is what costs. */
const MAX_READS = 64

/** The journal on Postgres and on PGlite. J1-J5 are upheld by one statement: append-statement.ts. */
export class SqlJournal implements Journal {
  private readonly sql: Sql
  private readonly appends: StatementBatcher<Append, AppendResult>
  private readonly reads: StatementBatcher<Read, StoredEvent[]>
  private readonly relays: StatementBatcher<readonly string[], void>

  constructor(sql: Sql) {
    this.sql = sql
    this.appends = new StatementBatcher((batch) => this.write(batch), { keyOf: (append) => append.address })
    this.reads = new StatementBatcher((batch) => this.readAll(batch), { maxBatch: MAX_READS })
    this.relays = new StatementBatcher((batch) => this.forget(batch.flat()))
  }

  observeAppends(observer: BatchObserver): void {
    this.appends.observer = observer
  }

  append(append: Append): Promise<AppendResult> {
    return this.appends.add(append)
  }

  private async write(batch: readonly Append[]): Promise<AppendResult[]> {
    const rows = await this.sql.query<{ status: AppendResult['status'] }>(appendStatement, appendParams(batch))
    return batch.map((append, i) => {
      const status = rows[i]?.status ?? 'fenced'
      return status === 'appended' ? { status, seq: append.expectedSeq + append.events.length } : { status }
    })
  }

  /** Gathered like appends: sessions that wake together, or are all new, share the statement. */
  read(address: Address, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    return this.reads.add({ address, afterSeq, limit: Math.min(limit, MAX_READ) })
  }

  private async readAll(batch: readonly Read[]): Promise<StoredEvent[][]> {
    const rows = await this.sql.query<EventRow>(
      `select b.ord::int as ord, e.seq::float8 as seq, e.envelope_id, e.kind, e.version,
         round(extract(epoch from e.at) * 1000)::float8 as at, e.data::text as data
       from unnest($1::text[], $2::bigint[], $3::int[]) with ordinality as b(address, after, size, ord)
       cross join lateral (
         select * from events where address = b.address and seq > b.after order by seq limit b.size
       ) e order by b.ord, e.seq`,
      [batch.map((read) => read.address), batch.map((read) => read.afterSeq), batch.map((read) => read.limit)],
    )
    const events = batch.map((): StoredEvent[] => [])
    for (const row of rows) {
      events[row.ord - 1]?.push(toEvent(row))
    }
    return events
  }

  async head(address: Address): Promise<number> {
    const rows = await rowsOf<{ seq: number }>(this.sql, 'select seq::float8 as seq from actors where address = $1', [
      address,
    ])
    return rows[0]?.seq ?? 0
  }

  async wasApplied(address: Address, envelopeId: string): Promise<boolean> {
    const rows = await rowsOf(this.sql, 'select 1 as found from inbox where address = $1 and envelope_id = $2', [
      address,
      toStoredText(envelopeId),
    ])
    return rows.length > 0
  }

  async unfinished(kind: ActorKind, shards: readonly number[]): Promise<Address[]> {
    const rows = await rowsOf<{ address: Address }>(
      this.sql,
      'select address from actors where kind = $1 and shard = any($2::int[]) and unfinished order by address',
      [kind, shards],
    )
    return rows.map((row) => row.address)
  }

  async pendingOutbox(kind: ActorKind, shards: readonly number[], limit: number): Promise<Envelope[]> {
    const rows = await rowsOf<{ envelope: string }>(
      this.sql,
      `select envelope::text as envelope from outbox where kind = $1 and shard = any($2::int[])
       order by position limit $3`,
      [kind, shards, limit],
    )
    return rows.map((row) => fromStoredJson<Envelope>(row.envelope))
  }

  async recent(
    kind: ActorKind,
    shards: readonly number[],
    since: number,
    limit: number,
    after?: EventPlace,
  ): Promise<PlacedEvent[]> {
    const rows = await rowsOf<EventRow & { address: Address }>(
      this.sql,
      `select 0 as ord, e.address, e.seq::float8 as seq, e.envelope_id, e.kind, e.version,
         round(extract(epoch from e.at) * 1000)::float8 as at, e.data::text as data
       from events e join actors a using (address)
       where a.kind = $1 and a.shard = any($2::int[]) and e.at >= to_timestamp($3::float8 / 1000)
         and (e.address, e.seq) > ($4::text collate "C", $5::bigint)
       order by e.address, e.seq limit $6`,
      [kind, shards, since, after?.address ?? '', after?.seq ?? 0, Math.min(limit, MAX_READ)],
    )
    return rows.map((row) => ({ address: row.address, ...toEvent(row) }))
  }

  relayed(envelopeIds: readonly string[]): Promise<void> {
    return envelopeIds.length === 0 ? Promise.resolve() : this.relays.add(envelopeIds)
  }

  private async forget(envelopeIds: readonly string[]): Promise<undefined[]> {
    await this.sql.query('delete from outbox where envelope_id = any($1::text[])', [envelopeIds.map(toStoredText)])
    return []
  }

  async erase(address: Address, epoch: number): Promise<void> {
    // Behind the same fence as an append (J2). A finished tool call is written by nobody any more, so it needs no fence.
    const calls = `tool:${idOf(address)}`
    const rows = await rowsOf<{ fenced: boolean }>(
      this.sql,
      `with fence as materialized (
         select epoch from shards where kind = $2 and shard = $3 for share
       ), allowed as materialized (
         select 1 from fence where epoch = $4
       ), closed as (
         update actors set unfinished = false where address = $1 and exists (select from allowed)
       ), calls as materialized (
         select address from actors
         where address > $5 || '/' and address < $5 || '0' and not unfinished and exists (select from allowed)
       ), no_events as (
         delete from events e where e.address = $1 and exists (select from allowed)
           and e.seq < (select seq from actors where address = $1)
       ), no_words as (
         update session_envelopes set title = null, metadata = '{}'
         where session_id = $6::uuid and exists (select from allowed)
       ), no_calls as (
         delete from events where address in (select address from calls)
       ), no_call_heads as (
         delete from actors where address in (select address from calls)
       )
       select not exists (select from allowed) as fenced`,
      [address, kindOf(address), shardOf(address), epoch, calls, idOf(address)],
    )
    if (rows[0]?.fenced !== false) throw new Failure('EPOCH_FENCED', `${address} is owned elsewhere`)
  }

  async forgetApplied(before: number): Promise<number> {
    const rows = await rowsOf<{ forgotten: number }>(
      this.sql,
      `with gone as (delete from inbox where at < to_timestamp($1::float8 / 1000) returning 1)
       select count(*)::int as forgotten from gone`,
      [before],
    )
    return rows[0]?.forgotten ?? 0
  }

  /** Resolves when no append is in flight. */
  async idle(): Promise<void> {
    await Promise.all([this.appends.idle(), this.relays.idle()])
  }
}

interface Read {
  readonly address: Address
  readonly afterSeq: number
  readonly limit: number
}

interface EventRow {
  readonly ord: number
  readonly seq: number
  readonly envelope_id: string
  readonly kind: string
  readonly version: number
  readonly at: number
  readonly data: string
}

function toEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    envelopeId: fromStoredText(row.envelope_id),
    kind: row.kind,
    version: row.version,
    at: row.at,
    data: fromStoredJson(row.data),
  }
}
