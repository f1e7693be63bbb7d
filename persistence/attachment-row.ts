import type { Attachment, AttachmentSource, AttachmentStatus } from './attachments.ts'
import { fromStoredText } from './stored-json.ts'

/** A row of `attachments`, as `attachmentColumns` selects it. */
export interface AttachmentRow {
  readonly id: string
  readonly tenant: string
  readonly session_id: string
  readonly filename: string
  readonly mime: string
  readonly source: AttachmentSource
  readonly size: number
  readonly sha256: string
  readonly status: AttachmentStatus
  readonly quarantine_reason: string | null
  readonly decided_by: string | null
  readonly created_ms: number
}

export const attachmentColumns = `id::text as id, tenant, session_id::text as session_id, filename, mime, source, size::float8 as size, sha256,
  status, quarantine_reason, decided_by, (extract(epoch from created_at) * 1000)::float8 as created_ms`

export function toAttachment(row: AttachmentRow): Attachment {
  return {
    id: row.id,
    tenant: fromStoredText(row.tenant),
    sessionId: row.session_id,
    filename: fromStoredText(row.filename),
    mime: fromStoredText(row.mime),
    source: row.source,
    size: row.size,
    sha256: row.sha256,
    status: row.status,
    ...(row.quarantine_reason !== null && { quarantineReason: fromStoredText(row.quarantine_reason) }),
    ...(row.decided_by !== null && { decidedBy: fromStoredText(row.decided_by) }),
    createdAt: Math.round(row.created_ms),
  }
}
