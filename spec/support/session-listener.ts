import { createParser } from 'eventsource-parser'
import type { ConversationEvent } from '../../transports/outbound.ts'

export interface Heard {
  /** Undefined for previews. */
  readonly seq?: number
  /** performance.now() of its arrival. */
  readonly at: number
  readonly event: ConversationEvent
}

/** How long something may take that must come: beyond it the spec fails with what was heard instead. */
const PATIENCE_MS = 30_000

/** Hears everything a session's SSE stream says, and lets a spec wait for what must come. */
export class SessionListener {
  readonly heard: Heard[] = []
  readonly response: Response
  readonly #abort: AbortController
  readonly #waiting = new Set<() => void>()
  #ended = false

  private constructor(response: Response, abort: AbortController) {
    this.response = response
    this.#abort = abort
    void this.#read()
  }

  static async open(
    url: string,
    sessionId: string,
    { after = 0, headers = {} }: { after?: number; headers?: Record<string, string> } = {},
  ): Promise<SessionListener> {
    const abort = new AbortController()
    const response = await fetch(`${url}/v1/session/${sessionId}/events${after === 0 ? '' : `?after=${after}`}`, {
      headers,
      signal: abort.signal,
    })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return new SessionListener(response, abort)
  }

  get events(): readonly (Heard & { readonly seq: number })[] {
    return this.heard.filter((one): one is Heard & { readonly seq: number } => one.seq !== undefined)
  }

  get types(): readonly string[] {
    return this.events.map((one) => one.event.type)
  }

  /** The first that fits among all heard, now or later. */
  async until(fits: (event: ConversationEvent, heard: Heard) => unknown, what = fits.toString()): Promise<Heard> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const found = this.heard.find((one) => fits(one.event, one))
      if (found) return found
      const left = deadline - performance.now()
      if (this.#ended || left <= 0) throw new Error(`never heard: ${what}; heard ${this.types.join(', ')}`)
      await this.#next(left)
    }
  }

  final(turnId?: string): Promise<Heard> {
    return this.until(
      ({ type, metadata }) => type === 'assistant.final' && (turnId === undefined || metadata.turn_id === turnId),
      `the final of turn ${turnId ?? '(any)'}`,
    )
  }

  close(): void {
    this.#abort.abort()
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(wake, ms)
      const waiting = this.#waiting
      waiting.add(wake)
      function wake() {
        clearTimeout(timer)
        waiting.delete(wake)
        resolve()
      }
    })
  }

  async #read(): Promise<void> {
    const parser = createParser({
      onEvent: ({ event, id, data }) => {
        if (event !== undefined) return
        const told = JSON.parse(data) as ConversationEvent
        this.heard.push({ at: performance.now(), event: told, ...(id !== undefined && { seq: Number(id) }) })
        for (const wake of [...this.#waiting]) wake()
      },
    })
    const text = new TextDecoder()
    try {
      for await (const chunk of this.response.body as ReadableStream<Uint8Array>) {
        parser.feed(text.decode(chunk, { stream: true }))
      }
    } catch {
      // Closed here, or the service was killed: either way nothing more is heard.
    }
    this.#ended = true
    for (const wake of [...this.#waiting]) wake()
  }
}
