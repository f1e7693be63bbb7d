import { z } from 'zod'
import type { Attachment } from '../../../persistence/attachments.ts'
import { iso, timestamp } from '../schemas.ts'

/** The old stack's shape of an attachment. */
export const attachmentSchema = z.object({
  id: z.string(),
  filename: z.string(),
  mime: z.string(),
  size: z.int(),
  sha256: z.string(),
  created_at: timestamp,
  tenant: z.string(),
  session_id: z.string(),
  status: z.enum(['clean', 'quarantined']),
  quarantine_reason: z.string().nullable(),
  /** What a message's `attachments` names. */
  path: z.string(),
})

export function attachmentJson(attachment: Attachment): z.infer<typeof attachmentSchema> {
  const { id, filename, mime, size, sha256, tenant, status } = attachment
  return {
    id,
    filename,
    mime,
    size,
    sha256,
    created_at: iso(attachment.createdAt),
    tenant,
    session_id: attachment.sessionId,
    status,
    quarantine_reason: attachment.quarantineReason ?? null,
    path: attachmentPath(id),
  }
}

export function attachmentPath(id: string): string {
  return `/v1/attachments/${id}`
}
