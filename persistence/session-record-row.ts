import type { SessionRecord } from './journal.ts'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from './stored-json.ts'

/** Between SessionRecord and its row in `session_envelopes`. */
export const recordColumns =
  'session_id, persona_id, tenant, subject, issuer, scope, metadata, created_at, updated_at, title, state'

/**
 * A batch of records as an array for each column. One JSON value for each record would be two arrays instead of twelve,
 * but taking it apart again costs PGlite 0.13 ms a record: more than all else that an append does.
 */
export function recordArrays(first: number): string {
  const types = ['uuid', 'text', 'text', 'text', 'text', 'text', 'text', 'float8', 'float8', 'text', 'text']
  return types.map((type, i) => `$${first + i}::${type}[]`).join(', ')
}

/** The row's columns out of `unnest(${recordArrays(…)}) as s(${recordColumns})`. */
export const unnestedRecord = `s.session_id, s.persona_id, s.tenant, s.subject, s.issuer, s.scope, s.metadata::jsonb,
  to_timestamp(s.created_at / 1000), to_timestamp(s.updated_at / 1000), s.title, s.state`

export function recordParams(records: readonly SessionRecord[]): unknown[][] {
  const text = (value: string | undefined) => (value === undefined ? null : toStoredText(value))
  return [
    records.map((record) => record.sessionId),
    records.map((record) => text(record.personaId)),
    records.map((record) => text(record.tenant)),
    records.map((record) => text(record.subject)),
    records.map((record) => text(record.issuer)),
    records.map((record) => text(record.scope)),
    records.map((record) => toStoredJson(record.metadata)),
    records.map((record) => record.createdAt),
    records.map((record) => record.updatedAt),
    records.map((record) => text(record.title)),
    records.map((record) => record.state),
  ]
}

export const selectedRecord = `session_id, persona_id, tenant, subject, issuer, scope, metadata::text as metadata,
  round(extract(epoch from created_at) * 1000)::float8 as created_at,
  round(extract(epoch from updated_at) * 1000)::float8 as updated_at, title, state`

export interface SessionRecordRow {
  readonly session_id: string
  readonly persona_id: string | null
  readonly tenant: string
  readonly subject: string | null
  readonly issuer: string | null
  readonly scope: string | null
  readonly metadata: string
  readonly created_at: number
  readonly updated_at: number
  readonly title: string | null
  readonly state: SessionRecord['state']
}

export function toRecord(row: SessionRecordRow): SessionRecord {
  return {
    sessionId: row.session_id,
    tenant: fromStoredText(row.tenant),
    personaId: fromStoredText(row.persona_id ?? ''),
    ...(row.subject === null ? {} : { subject: fromStoredText(row.subject) }),
    ...(row.issuer === null ? {} : { issuer: fromStoredText(row.issuer) }),
    ...(row.scope === null ? {} : { scope: fromStoredText(row.scope) }),
    ...(row.title === null ? {} : { title: fromStoredText(row.title) }),
    metadata: fromStoredJson<Record<string, unknown>>(row.metadata),
    state: row.state,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
