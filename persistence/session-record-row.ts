import type { SessionRecord } from './journal.ts'
import { fromStoredJson, fromStoredText, toStoredJson } from './stored-json.ts'

/** Between SessionRecord and its row in `session_envelopes`. Written as one JSON value, so a batch needs two arrays, not twelve. */
export const recordColumns =
  'session_id, persona_id, tenant, subject, issuer, scope, metadata, created_at, updated_at, title, state'

export function recordFromJson(jsonb: string): string {
  const text = (key: string) => `${jsonb} ->> '${key}'`
  const time = (key: string) => `to_timestamp((${text(key)})::float8 / 1000)`
  return [
    `(${text('sessionId')})::uuid`,
    text('personaId'),
    text('tenant'),
    text('subject'),
    text('issuer'),
    text('scope'),
    `${jsonb} -> 'metadata'`,
    time('createdAt'),
    time('updatedAt'),
    text('title'),
    text('state'),
  ].join(', ')
}

export function toRecordJson(record: SessionRecord): string {
  return toStoredJson(record)
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
