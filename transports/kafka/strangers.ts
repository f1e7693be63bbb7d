import { type Address, idOf, kindOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { DeadLetters } from '../../actors/kernel/dead-letters.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { type Failure, isFailure } from '../../actors/kernel/failure.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Attachments } from '../../persistence/attachments.ts'
import type { SessionRecords } from '../../persistence/journal.ts'
import type { Peer } from '../link/peer-talk.ts'
import type { LogRecord } from './fetch-client.ts'
import { withAttachments } from './public-attachments.ts'
import { fromPublic, type PublicMessageParts } from './public-messages.ts'
import type { IntakeParts } from './shard-intake.ts'
import { isToolAnswer } from './tool-answers.ts'
import type { Topic } from './topics.ts'
import { undecodable } from './undecodable.ts'
import { isWatch, watchedSessions, watcherOf } from './watch-records.ts'

export interface StrangersParts extends PublicMessageParts {
  readonly attachments: Pick<Attachments, 'get'>
  readonly records: Pick<SessionRecords, 'get'>
  readonly deadLetters: Pick<DeadLetters, 'park'>
  /** Sends the envelope that a public message stands for, to the shard it belongs to. */
  readonly send: (envelope: Envelope) => Promise<void>
  readonly watched: (sessionIds: readonly string[], watcher: Peer) => void
  readonly clock: Clock
  readonly log: Logger
  readonly isClosed: () => boolean
}

const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 5_000

/**
 * Records of the mailbox topics that are no envelopes of ours.
 *   F1. A public message (JSON) becomes an envelope under its own `event_id`, sent on to the shard it belongs to wherever
 *       it was written; its record is settled only then. Twice sent on is one message (I3).
 *   F2. What is neither is a dead letter, with what is wrong (I8).
 *   F3. A gateway's watch is soft state: heard, and forgotten. Our own answer to an outsider is nothing to us.
 *   F4. What a user's message names as attachments is judged as a gateway judges it. A message that is refused is a dead
 *       letter, to be replayed when the file is there, and the end of its turn in the session's events.
 */
export function strangers(parts: StrangersParts): Pick<IntakeParts, 'foreign' | 'refused' | 'watched'> {
  const until = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    for (let delay = FIRST_PAUSE_MS; ; delay = Math.min(delay * 2, LAST_PAUSE_MS)) {
      try {
        return await work()
      } catch (error) {
        if (isHopeless(error) || parts.isClosed()) throw error
        parts.log.warn({ error: String(error), delay }, `could not ${what}; tries again`)
        await pause(parts.clock, delay)
      }
    }
  }

  const refused = (topic: Topic, partition: number, record: LogRecord, failure: Failure) =>
    until('park a record', () =>
      parts.deadLetters.park({
        envelope: undecodable(topic, partition, record),
        source: topic.name,
        code: failure.code,
        detail: failure.detail,
        retries: 0,
        at: parts.clock.now(),
      }),
    )

  const watch = (sessionIds: readonly string[], record: LogRecord) => {
    const watcher = watcherOf(record)
    if (watcher !== undefined) parts.watched(sessionIds, watcher)
  }

  return {
    async foreign(topic, partition, record) {
      if (isWatch(record)) {
        watch(watchedSessions(record), record)
        return
      }
      if (isToolAnswer(record)) return
      try {
        const envelope = fromPublic(topic, record, parts)
        const wrong = await until('take in a public message', async () => {
          const owner = await parts.records.get(idOf(envelope.to))
          const asked = await withAttachments({ ...envelope, tenant: owner?.tenant ?? parts.tenant }, parts.attachments)
          await parts.send(asked.envelope)
          return asked.wrong
        })
        if (wrong) await refused(topic, partition, record, wrong)
      } catch (error) {
        if (!isHopeless(error)) throw error
        await refused(topic, partition, record, error)
      }
    },
    refused,
    watched(record: LogRecord, to: Address | undefined) {
      if (to !== undefined && kindOf(to) === 'session') watch([idOf(to)], record)
    },
  }
}

/** Trying again would end the same. */
function isHopeless(error: unknown): error is Failure {
  return isFailure(error, 'MALFORMED_MESSAGE') || isFailure(error, 'PAYLOAD_TOO_LARGE')
}
