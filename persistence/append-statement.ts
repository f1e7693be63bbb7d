import { kindOf, shardOf } from '../actors/kernel/address.ts'
import type { Append } from './journal.ts'
import { memoryChangesParam, putMemories, removedMemories } from './memory-row.ts'
import { recordArrays, recordColumns, recordParams, unnestedRecord } from './session-record-row.ts'
import { toStoredJson, toStoredText } from './stored-json.ts'
import { lastWords } from './timers.ts'

/**
 * A batch of appends as one statement, which is also the transaction (J4). Read from the top:
 *   fence    share-locks the shard rows, in one order so that two nodes cannot deadlock. It waits for a takeover in
 *            flight and then sees its epoch (READ COMMITTED re-reads a row it had to wait for), so J2 holds to the instant.
 *   judged   gives each append its verdict. Duplicate comes before conflict: the same envelope again has an old seq too.
 *   applied  the inbox row is the gate: whatever follows joins `ready`, so a refused append writes nothing at all (J2, J3).
 *   journaled, headed, sent, recorded, spent, armed, disarmed, remembered, unremembered: the writes. Events have (address,
 *            seq) as their key, so even a second writer
 *            with the same epoch, which cannot be, would fail as a whole and never leave a gap or a fork (J1).
 * Rows of memories that go or are replaced take the content of their events with them, by a trigger of the database
 * (migrations/0007-erase-forgotten.sql): part of this transaction, and no part of the many appends without any.
 */
export const appendStatement = `
with batch as (
  select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::bigint[], $7::int[], $8::boolean[])
    with ordinality as b(address, kind, shard, epoch, envelope_id, expected, events, unfinished, ord)
), fence as materialized (
  select s.kind, s.shard, s.epoch from shards s
  where (s.kind, s.shard) in (select b.kind, b.shard from batch b)
  order by s.kind, s.shard
  for share of s
), judged as materialized (
  select b.*, case
      when f.epoch is distinct from b.epoch then 'fenced'
      when (select true from inbox i where i.address = b.address and i.envelope_id = b.envelope_id limit 1) then 'duplicate'
      when coalesce((select a.seq from actors a where a.address = b.address limit 1), 0) <> b.expected then 'conflict'
      else 'appended'
    end as status
  from batch b left join fence f using (kind, shard)
), applied as (
  insert into inbox (address, envelope_id)
  select address, envelope_id from judged where status = 'appended'
  on conflict do nothing
  returning address
), ready as materialized (
  select j.* from judged j join applied using (address)
), journaled as (
  insert into events (address, seq, envelope_id, kind, version, at, data)
  select r.address, e.seq, r.envelope_id, e.kind, e.version, to_timestamp(e.at / 1000), e.data::jsonb
  from unnest($9::int[], $10::bigint[], $11::text[], $12::int[], $13::float8[], $14::text[])
    as e(ord, seq, kind, version, at, data) join ready r using (ord)
), headed as (
  insert into actors (address, kind, shard, seq, unfinished)
  select address, kind, shard, expected + events, unfinished from ready
  on conflict (address) do update set seq = excluded.seq, unfinished = excluded.unfinished
), sent as (
  insert into outbox (envelope_id, address, kind, shard, envelope)
  select o.envelope_id, r.address, r.kind, r.shard, o.envelope::jsonb
  from unnest($15::int[], $16::text[], $17::text[]) with ordinality as o(ord, envelope_id, envelope, nth)
    join ready r on r.ord = o.ord
  order by o.nth
), recorded as (
  insert into session_envelopes (${recordColumns})
  select ${unnestedRecord}
  from unnest(${recordArrays(24)}, $35::int[]) as s(${recordColumns}, ord) join ready using (ord)
  on conflict (session_id) do update set
    persona_id = coalesce(excluded.persona_id, session_envelopes.persona_id),
    subject = coalesce(excluded.subject, session_envelopes.subject),
    issuer = coalesce(excluded.issuer, session_envelopes.issuer),
    scope = coalesce(excluded.scope, session_envelopes.scope),
    title = coalesce(excluded.title, session_envelopes.title),
    metadata = session_envelopes.metadata || excluded.metadata,
    state = excluded.state,
    updated_at = greatest(session_envelopes.updated_at, excluded.updated_at)
), spent as (
  insert into usage (tenant, day, persona_id, tokens, cost_micros)
  select u.tenant, u.day, u.persona_id, sum(u.tokens), sum(u.cost_micros)
  from unnest($18::int[], $19::text[], $20::text[], $21::text[], $22::bigint[], $23::bigint[])
    as u(ord, tenant, day, persona_id, tokens, cost_micros) join ready using (ord)
  group by u.tenant, u.day, u.persona_id
  on conflict (tenant, day, persona_id) do update set
    tokens = usage.tokens + excluded.tokens, cost_micros = usage.cost_micros + excluded.cost_micros
), timed as materialized (
  select r.address, r.kind, r.shard, t.timer_id, t.tenant, to_timestamp(t.due / 1000) as due
  from jsonb_to_recordset($36::text::jsonb) as t(ord int, timer_id text, tenant text, due float8) join ready r using (ord)
), armed as (
  insert into timers (address, timer_id, kind, shard, tenant, due)
  select address, timer_id, kind, shard, tenant, due from timed where due is not null
  on conflict (address, timer_id) do update set due = excluded.due
), disarmed as (
  delete from timers t using timed d where d.due is null and t.address = d.address and t.timer_id = d.timer_id
), remembered as (
  ${putMemories('$37')}
), unremembered as (
  ${removedMemories('$37')}
)
select case when j.status = 'appended' and r.ord is null then 'duplicate' else j.status end as status
from judged j left join ready r using (ord)
order by j.ord`

export function appendParams(batch: readonly Append[]): unknown[] {
  const events = batch.flatMap((append, i) =>
    append.events.map((event, n) => ({ ord: i + 1, seq: append.expectedSeq + n + 1, event })),
  )
  const outbox = batch.flatMap((append, i) => append.outbox.map((envelope) => ({ ord: i + 1, envelope })))
  const records = batch.flatMap((append, i) => (append.record ? [{ ord: i + 1, record: append.record }] : []))
  const usage = batch.flatMap((append, i) => (append.usage ? [{ ord: i + 1, ...append.usage }] : []))
  const timers = batch.flatMap((append, i) =>
    lastWords(append.timers ?? []).map(({ timerId, tenant, due }) => ({ ord: i + 1, timer_id: timerId, tenant, due })),
  )
  return [
    batch.map((append) => append.address),
    batch.map((append) => kindOf(append.address)),
    batch.map((append) => shardOf(append.address)),
    batch.map((append) => append.epoch),
    batch.map((append) => toStoredText(append.envelopeId)),
    batch.map((append) => append.expectedSeq),
    batch.map((append) => append.events.length),
    batch.map((append) => append.unfinished),
    events.map((row) => row.ord),
    events.map((row) => row.seq),
    events.map((row) => row.event.kind),
    events.map((row) => row.event.version),
    events.map((row) => row.event.at),
    events.map((row) => toStoredJson(row.event.data)),
    outbox.map((row) => row.ord),
    outbox.map((row) => toStoredText(row.envelope.id)),
    outbox.map((row) => toStoredJson(row.envelope)),
    usage.map((row) => row.ord),
    usage.map((row) => toStoredText(row.tenant)),
    usage.map((row) => row.day),
    usage.map((row) => toStoredText(row.personaId)),
    usage.map((row) => Math.round(row.tokens)),
    usage.map((row) => Math.round(row.costMicros)),
    ...recordParams(records.map((row) => row.record)),
    records.map((row) => row.ord),
    // Few appends have any, so one value for all of them, and '[]' for most.
    toStoredJson(timers),
    memoryChangesParam(batch),
  ]
}
