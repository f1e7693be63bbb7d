import { Failure } from '../../../actors/kernel/failure.ts'
import type { Attachments } from '../../../persistence/attachments.ts'
import { isUuid } from '../session-id.ts'
import { attachmentPath } from './attachment-json.ts'

const NAMED = /^(?:\/?v1\/attachments\/|attachments\/)?([^/]+)$/

/** Of an attachment's path or id; what is neither names none. */
export function namedId(name: string): string {
  return NAMED.exec(name)?.[1] ?? ''
}

/**
 * Attachments that a message names, by path or by id, checked before the message is accepted: those of its session, not
 * quarantined. Answers their paths, each once.
 */
export async function checkedAttachments(
  attachments: Pick<Attachments, 'get'>,
  at: { readonly tenant: string; readonly sessionId: string },
  named: readonly string[],
): Promise<string[]> {
  const paths = await Promise.all(
    named.map(async (name, index) => {
      const id = namedId(name)
      const found = isUuid(id) ? await attachments.get(at.tenant, id) : undefined
      const errors = [{ path: `body/attachments/${index}`, message: 'names no attachment of this session' }]
      if (!found || found.sessionId !== at.sessionId) {
        const why = found ? 'belongs to another session' : 'does not exist'
        throw new Failure('ATTACHMENT_NOT_FOUND', `attachments[${index}], \`${name.slice(0, 200)}\`, ${why}.`, {
          errors,
        })
      }
      if (found.status === 'quarantined') throw quarantined(found)
      return attachmentPath(found.id)
    }),
  )
  return [...new Set(paths)]
}

export function quarantined({ filename, quarantineReason }: { filename: string; quarantineReason?: string }): Failure {
  return new Failure('ATTACHMENT_QUARANTINED', `${filename} is quarantined: ${quarantineReason ?? 'by an operator'}.`)
}
