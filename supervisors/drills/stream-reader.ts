import { setTimeout as pause } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import type { ConversationEvent } from '../../transports/outbound.ts'
import type { Door } from './door.ts'
import type { ReaderLog } from './ledger.ts'
import { digestOf } from './public-events.ts'

export interface StreamReaderOptions {
  readonly name: string
  readonly door: Door
  readonly sessionId: string
  /** The two ways in which the contract lets a reader resume. */
  readonly resumeBy: 'Last-Event-ID' | 'after'
  onEvent(event: ConversationEvent): void
  onPreview(event: ConversationEvent): void
}

/** Doubling, as a client that cares for the service does it. */
const RECONNECT_MS = [20, 320] as const

/** A client that follows one session over SSE, and after every break goes on from the last id it saw. */
export class StreamReader implements ReaderLog {
  readonly name: string
  readonly sessionId: string
  readonly seen: { readonly seq: number; readonly digest: string }[] = []
  readonly refusals: string[] = []
  readonly #options: StreamReaderOptions
  #breaks = 0
  #cuts = 0
  /** Why the gateway ends the stream, if it said so. */
  #reason: string | undefined

  constructor(options: StreamReaderOptions) {
    this.name = options.name
    this.sessionId = options.sessionId
    this.#options = options
  }

  get cursor(): number {
    return this.seen.at(-1)?.seq ?? 0
  }

  get breaks(): number {
    return this.#breaks
  }

  /** Of the breaks, those that came without a word: the connection was cut. */
  get cuts(): number {
    return this.#cuts
  }

  /** Which gateway it reads from. */
  get url(): string {
    return this.#options.door.url
  }

  /** Until the signal aborts and the service's connections are destroyed. */
  async follow(signal: AbortSignal): Promise<void> {
    let wait: number = RECONNECT_MS[0]
    while (!signal.aborted) {
      const before = this.cursor
      const connected = await this.#connect().catch(() => false)
      if (signal.aborted) return
      // The break that the drill is about.
      if (connected) this.#breaks++
      if (connected && this.#reason === undefined) this.#cuts++
      this.#options.door.next()
      wait = this.cursor > before ? RECONNECT_MS[0] : Math.min(wait * 2, RECONNECT_MS[1])
      await pause(wait)
    }
  }

  /** True: the stream was open, and ended. */
  async #connect(): Promise<boolean> {
    const { door, resumeBy, sessionId } = this.#options
    this.#reason = undefined
    const resumed = resumeBy === 'Last-Event-ID' && this.cursor > 0
    const { statusCode, body } = await door.request({
      method: 'GET',
      path: `/v1/session/${sessionId}/events${resumeBy === 'after' ? `?after=${this.cursor}` : ''}`,
      ...(resumed && { headers: { 'last-event-id': String(this.cursor) } }),
    })
    if (statusCode !== 200) {
      const text = await body.text()
      // 503 says "come again" (starting, draining); anything else is an answer that an honest cursor never gets.
      if (statusCode !== 503) this.refusals.push(`${statusCode} ${text.slice(0, 300)}`)
      return false
    }
    const parser = createParser({ onEvent: (message) => this.#take(message) })
    const text = new TextDecoder()
    try {
      for await (const chunk of body) parser.feed(text.decode(chunk as Uint8Array, { stream: true }))
    } catch {
      // Cut off in the middle: what was complete has been taken.
    }
    return true
  }

  #take({ event, id, data }: { event?: string | undefined; id?: string | undefined; data: string }): void {
    // `event: error` says why the service ends the stream; the cursor makes up for it.
    if (event !== undefined) {
      this.#reason = data
      return
    }
    const told = JSON.parse(data) as ConversationEvent
    if (id === undefined) {
      this.#options.onPreview(told)
      return
    }
    this.seen.push({ seq: Number(id), digest: digestOf(told) })
    this.#options.onEvent(told)
  }
}

/** The last events may still be on their way to the readers when the journal is read. */
export async function caughtUp(
  readers: readonly StreamReader[],
  journals: ReadonlyMap<string, readonly { readonly seq: number }[]>,
  withinMs: number,
): Promise<void> {
  const until = performance.now() + withinMs
  const behind = () => readers.some((reader) => reader.cursor < (journals.get(reader.sessionId)?.at(-1)?.seq ?? 0))
  while (behind() && performance.now() < until) await pause(20)
}
