import type { Append } from './journal.ts'
import type { LoadedRow, MemoryRow, NewMemoryRow } from './memory-rows.ts'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from './stored-json.ts'

/** Between MemoryRow and its row in `memories`. */

/**
 * All changes of a batch as one JSON text: a batch without any, which is nearly all, costs two empty sets. As arrays for
 * each column, fifteen more parameters would travel with every append.
 */
export function memoryChangesParam(batch: readonly Append[]): string {
  if (batch.every(({ memories }) => memories === undefined)) return NONE
  const put = batch.flatMap(({ memories }, i) => (memories?.put ?? []).map((row) => stored(row, i + 1)))
  const remove = batch.flatMap(({ memories }, i) =>
    (memories?.remove ?? []).map((key) => ({ ord: i + 1, key: toStoredText(key) })),
  )
  return JSON.stringify({ put, remove })
}

const NONE = '{"put":[],"remove":[]}'

function stored(row: NewMemoryRow, ord: number) {
  return {
    ord,
    key: toStoredText(row.key),
    tenant: toStoredText(row.tenant),
    namespace: toStoredText(row.namespace),
    universe: toStoredText(row.universe),
    session_id: row.sessionId === undefined ? null : toStoredText(row.sessionId),
    persona_id: row.personaId === undefined ? null : toStoredText(row.personaId),
    text: toStoredText(row.text),
    // As text: jsonb within jsonb would be escaped a second time on the way back.
    value: toStoredJson(row.value),
    tags: row.tags.map(toStoredText),
    importance: row.importance,
    content_hash: row.contentHash,
    seq: row.seq,
    created_at: row.createdAt,
    updated_at: row.updatedAt,
    expires_at: row.expiresAt ?? null,
  }
}

/** Below `ready`, so a refused append puts nothing. A vector of the text before goes with it. */
export function putMemories(param: string): string {
  return `insert into memories (address, shard, key, tenant, namespace, universe, session_id, persona_id, text, value, tags,
    importance, content_hash, seq, created_at, updated_at, expires_at)
  select r.address, r.shard, m.key, m.tenant, m.namespace, m.universe, m.session_id, m.persona_id, m.text, m.value::jsonb,
    m.tags, m.importance, m.content_hash, m.seq, to_timestamp(m.created_at / 1000), to_timestamp(m.updated_at / 1000),
    to_timestamp(m.expires_at / 1000)
  from jsonb_to_recordset(${param}::jsonb -> 'put') as m(ord int, key text, tenant text, namespace text, universe text,
    session_id text, persona_id text, text text, value text, tags text[], importance float8, content_hash text, seq bigint,
    created_at float8, updated_at float8, expires_at float8) join ready r using (ord)
  on conflict (address, key) do update set
    universe = excluded.universe, session_id = excluded.session_id, persona_id = excluded.persona_id,
    text = excluded.text, value = excluded.value, tags = excluded.tags, importance = excluded.importance,
    content_hash = excluded.content_hash, seq = excluded.seq, created_at = excluded.created_at,
    updated_at = excluded.updated_at, expires_at = excluded.expires_at,
    embedding = case when memories.text = excluded.text then memories.embedding end,
    embedding_model = case when memories.text = excluded.text then memories.embedding_model end`
}

export function removedMemories(param: string): string {
  return `delete from memories m
  using jsonb_to_recordset(${param}::jsonb -> 'remove') as d(ord int, key text) join ready r using (ord)
  where m.address = r.address and m.key = d.key`
}

export const epochMs = (column: string) => `round(extract(epoch from ${column}) * 1000)::float8`

export const selectedMemory = `m.address, m.key, m.tenant, m.namespace, m.universe, m.session_id, m.persona_id, m.text,
  m.value::text as value, to_jsonb(m.tags)::text as tags, m.importance, m.content_hash, m.seq::float8 as seq,
  ${epochMs('m.created_at')} as created_at, ${epochMs('m.updated_at')} as updated_at,
  ${epochMs('m.expires_at')} as expires_at`

export interface MemoryRowColumns {
  readonly address: MemoryRow['address']
  readonly key: string
  readonly tenant: string
  readonly namespace: string
  readonly universe: string
  readonly session_id: string | null
  readonly persona_id: string | null
  readonly text: string
  readonly value: string
  readonly tags: string
  readonly importance: number
  readonly content_hash: string
  readonly seq: number
  readonly created_at: number
  readonly updated_at: number
  readonly expires_at: number | null
}

export function toMemoryRow(row: MemoryRowColumns): MemoryRow {
  return {
    ...searchedPart(row),
    address: row.address,
    tenant: fromStoredText(row.tenant),
    namespace: fromStoredText(row.namespace),
    value: fromStoredJson(row.value),
    contentHash: row.content_hash,
    updatedAt: row.updated_at,
  }
}

export function searchedPart(
  row: Omit<MemoryRowColumns, 'address' | 'tenant' | 'namespace' | 'value' | 'content_hash' | 'updated_at'>,
): LoadedRow {
  return {
    key: fromStoredText(row.key),
    universe: fromStoredText(row.universe),
    ...(row.session_id === null ? {} : { sessionId: fromStoredText(row.session_id) }),
    ...(row.persona_id === null ? {} : { personaId: fromStoredText(row.persona_id) }),
    text: fromStoredText(row.text),
    tags: fromStoredJson<string[]>(row.tags),
    importance: row.importance,
    seq: row.seq,
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  }
}

/** A vector as the text form of bytea, which both drivers take; little-endian 32-bit floats. */
export function toStoredVector({ buffer, byteOffset, byteLength }: Float32Array): string {
  return `\\x${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}`
}

/** From base64, copied: a view into Node's pool need not be aligned. */
export function fromStoredVector(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64')
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}
