import type { FastifyRequest } from 'fastify'
import { address } from '../../../actors/kernel/address.ts'
import type { Attachment } from '../../../persistence/attachments.ts'
import type { GatewayDeps } from '../gateway.ts'
import { traceOf } from '../trace.ts'

export type UploadPhase = 'uploading' | 'clean' | 'quarantined' | 'failed'

/** Tells a session how one of its uploads goes: `uploads.progress` on its stream, journaled as any other event. */
export interface UploadNote {
  send(phase: UploadPhase, saved?: Attachment, code?: string): Promise<void>
}

export type UploadNotes = (
  request: FastifyRequest,
  sessionId: string,
  file: { readonly id: string; readonly filename: string },
) => UploadNote

export function uploadNotes({ mailbox, clock, log, ids }: GatewayDeps): UploadNotes {
  return (request, sessionId, { id, filename }) => ({
    async send(phase, saved, code) {
      // An upload may fail and be sent again under its key; only how it ended well is one fact.
      const last = phase === 'clean' || phase === 'quarantined'
      try {
        await mailbox.send({
          id: last ? `${id}/${phase}` : ids.uuid(),
          to: address('session', sessionId),
          from: 'gateway',
          tenant: request.caller.tenant,
          priority: 'normal',
          trace: traceOf(request),
          sentAt: clock.now(),
          body: {
            kind: 'NoteUpload',
            v: 1,
            attachmentId: id,
            filename,
            phase,
            ...(saved && { mime: saved.mime, size: saved.size }),
            ...(saved?.quarantineReason !== undefined && { detail: saved.quarantineReason }),
            ...(code !== undefined && { detail: code }),
          },
        })
      } catch (error) {
        // The answer tells the client; a full mailbox is no reason to lose the file.
        log.warn({ sessionId, attachmentId: id, phase, error }, 'the session could not be told of an upload')
      }
    },
  })
}
