import { setTimeout as pause } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import type { ConversationEvent } from '../../transports/outbound.ts'
import type { ReaderLog } from './ledger.ts'

export interface StreamReaderOptions {
  readonly name: string
  readonly url: string
  readonly sessionId: string
  /** The two ways in which the contract lets a reader resume. */
  readonly resumeBy: 'Last-Event-ID' | 'after'
  onEvent(event: ConversationEvent): void
  onPreview(event: ConversationEvent): void
}

const RECONNECT_MS = 30

/** A client that follows one session over SSE, and after every break goes on from the last id it saw. */
export class StreamReader implements ReaderLog {
  readonly name: string
  readonly sessionId: string
  readonly seen: { readonly seq: number; readonly digest: string }[] = []
  readonly refusals: string[] = []
  readonly #options: StreamReaderOptions
  #breaks = 0

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

  /** Until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#connect(signal)
      } catch {
        // The break that the drill is about: reconnect below.
      }
      this.#breaks++
      await pause(RECONNECT_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { url, resumeBy } = this.#options
    const header =
      resumeBy === 'Last-Event-ID' && this.cursor > 0 ? { 'last-event-id': String(this.cursor) } : undefined
    const query = resumeBy === 'after' ? `?after=${this.cursor}` : ''
    const response = await fetch(`${url}/v1/session/${this.sessionId}/events${query}`, {
      signal,
      ...(header && { headers: header }),
    })
    if (!response.ok || !response.body) {
      const text = await response.text()
      // 503 says "come again" (starting, draining); anything else is an answer that an honest cursor never gets.
      if (response.status !== 503) this.refusals.push(`${response.status} ${text.slice(0, 300)}`)
      return
    }
    const parser = createParser({ onEvent: (message) => this.#take(message) })
    const text = new TextDecoder()
    for await (const chunk of response.body) parser.feed(text.decode(chunk as Uint8Array, { stream: true }))
  }

  #take({ event, id, data }: { event?: string | undefined; id?: string | undefined; data: string }): void {
    // `event: error` says why the service ends the stream; the cursor makes up for it.
    if (event !== undefined) return
    const told = JSON.parse(data) as ConversationEvent
    if (id === undefined) {
      this.#options.onPreview(told)
      return
    }
    this.seen.push({ seq: Number(id), digest: digestOf(told) })
    this.#options.onEvent(told)
  }
}

export function digestOf(event: ConversationEvent): string {
  return `${event.event_id} ${event.type} ${event.message}`
}
