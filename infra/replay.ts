import type { Clock } from '../actors/kernel/clock.ts'
import type { DeadLetters } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { Mailbox } from '../transports/mailbox.ts'

/**
 * Sends what a dead letter holds again, and forgets the letter. Undefined when there is none of that id. With `edited` it is
 * sent with that body; to whom and of which tenant stays as it was.
 */
export async function replayDeadLetter(
  id: string,
  edited: { readonly body: unknown } | undefined,
  { deadLetters, mailbox, clock }: { deadLetters: DeadLetters; mailbox: Pick<Mailbox, 'send'>; clock: Clock },
): Promise<Envelope | undefined> {
  const letter = await deadLetters.get(id)
  if (!letter) return undefined
  // A new id: under the old one the inbox may call it a duplicate. Derived, so that replaying twice at once is one message.
  const { deadline: _, ...envelope } = letter.envelope
  const body = edited === undefined ? envelope.body : withBody(envelope.body, edited.body)
  const replayed = { ...envelope, body, id: `${envelope.id}/replay/${letter.retries + 1}`, sentAt: clock.now() }
  await mailbox.send(replayed)
  await deadLetters.remove(id)
  return replayed
}

/** A record that was no envelope goes to its topic again: what is edited is its value (transports/kafka/undecodable.ts). */
function withBody(former: unknown, body: unknown): unknown {
  if (typeof former !== 'object' || former === null || !('undecodable' in former)) return body
  const value = typeof body === 'string' ? body : JSON.stringify(body)
  return { undecodable: { ...(former.undecodable as object), value, encoding: 'utf8' } }
}
