import type { Clock } from '../actors/kernel/clock.ts'
import type { DeadLetters } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { Mailbox } from '../transports/mailbox.ts'

/** Sends what a dead letter holds again, and forgets the letter. Undefined when there is none of that id. */
export async function replayDeadLetter(
  id: string,
  { deadLetters, mailbox, clock }: { deadLetters: DeadLetters; mailbox: Pick<Mailbox, 'send'>; clock: Clock },
): Promise<Envelope | undefined> {
  const letter = await deadLetters.get(id)
  if (!letter) return undefined
  // A new id: under the old one the inbox may call it a duplicate. Derived, so that replaying twice at once is one message.
  const { deadline: _, ...envelope } = letter.envelope
  const replayed = { ...envelope, id: `${envelope.id}/replay/${letter.retries + 1}`, sentAt: clock.now() }
  await mailbox.send(replayed)
  await deadLetters.remove(id)
  return replayed
}
