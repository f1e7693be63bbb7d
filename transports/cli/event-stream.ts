import { setTimeout as sleep } from 'node:timers/promises'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { ConversationEvent } from '../outbound.ts'
import { causeOf, problemIn, ServiceProblem, Unreachable } from './problem.ts'

export interface Follow {
  readonly url: string
  /** What to name in an error: without the path. */
  readonly shownUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** Seq of the last event already seen. */
  readonly after: number
  readonly signal: AbortSignal
  /** Called once an outage, when a second try in a row did not come through either. */
  readonly onOutage?: (why: string) => void
}

/** Codes that end a connection and not the stream: the cursor goes on where it stopped. */
const resumable = new Set(['SLOW_READER', 'DRAINING', 'TOO_MANY_STREAMS'])
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
/** A service that is started again is there within seconds; after this the person should know. */
const GIVE_UP_AFTER = 30

/**
 * One session's events, across as many connections as it takes.
 *   E1. Each journaled event once and in order: the cursor moves with what was yielded, never ahead of it.
 *   E2. Events without an id are previews; they are passed on and never move the cursor.
 */
export async function* followEvents({
  url,
  shownUrl,
  headers,
  after,
  signal,
  onOutage = () => {},
}: Follow): AsyncGenerator<ConversationEvent> {
  let cursor = after
  let failed = 0
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}&after=${cursor}`, {
        headers: { ...headers, accept: 'text/event-stream' },
        signal,
      })
      if (!response.ok || !response.body) throw await problemIn(response, shownUrl)
      const text = response.body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
      for await (const { id, event, data } of text.pipeThrough(new EventSourceParserStream())) {
        if (event === 'error') throw streamProblem(data)
        failed = 0
        const seq = id === undefined || id === '' ? undefined : Number(id)
        if (seq !== undefined && seq <= cursor) continue
        yield JSON.parse(data) as ConversationEvent
        if (seq !== undefined) cursor = seq // E1
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ServiceProblem && !resumable.has(error.code)) throw error
      if (++failed > GIVE_UP_AFTER)
        throw error instanceof ServiceProblem ? error : new Unreachable(shownUrl, causeOf(error), error)
      if (failed === 2) onOutage(error instanceof ServiceProblem ? error.code : causeOf(error))
    }
    await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failed), undefined, { signal }).catch(() => {})
  }
}

function streamProblem(data: string): ServiceProblem {
  const { code, status, detail, remedy } = JSON.parse(data) as ServiceProblem
  return new ServiceProblem({ code, status, detail, remedy })
}
