import { idOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { type Failure, isFailure } from '../../actors/kernel/failure.ts'
import { uuidOf } from '../../actors/kernel/name-uuid.ts'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import type { Attachments } from '../../persistence/attachments.ts'
import { checkedAttachments } from '../gateway/uploads/named-attachments.ts'

export interface Judged {
  readonly envelope: Envelope<SessionCommand>
  readonly wrong?: Failure
}

/** The message with its attachments by path; or, when one is not its session's to show, that it is refused. */
export async function withAttachments(
  envelope: Envelope<SessionCommand>,
  attachments: Pick<Attachments, 'get'>,
): Promise<Judged> {
  const { tenant, to, body } = envelope
  if (body.kind !== 'AcceptUserTurn' || body.attachments.length === 0) return { envelope }
  try {
    const paths = await checkedAttachments(attachments, { tenant, sessionId: idOf(to) }, body.attachments)
    return { envelope: { ...envelope, body: { ...body, attachments: paths } } }
  } catch (error) {
    const isWrong = isFailure(error, 'ATTACHMENT_NOT_FOUND') || isFailure(error, 'ATTACHMENT_QUARANTINED')
    if (!isWrong) throw error
    const { turnId, text } = body
    const { code, detail } = error
    // Under an id of its own: the message must not be known to the session when it is replayed.
    const id = uuidOf('refused', to, turnId)
    const refusal: SessionCommand = { kind: 'RefuseUserTurn', v: 1, turnId, text, code, detail }
    return { envelope: { ...envelope, id, body: refusal }, wrong: error }
  }
}
