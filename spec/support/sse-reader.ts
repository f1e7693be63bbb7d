import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Reads an SSE response frame by frame, each awaited. */
export class SseReader {
  readonly response: Response
  readonly comments: string[] = []
  readonly #frames: EventSourceMessage[] = []
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #abort: AbortController

  private constructor(response: Response, abort: AbortController) {
    this.response = response
    this.#abort = abort
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader()
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseReader> {
    const abort = new AbortController()
    return new SseReader(await fetch(url, { headers, signal: abort.signal }), abort)
  }

  readonly #parser = createParser({
    onEvent: (event) => this.#frames.push(event),
    onComment: (comment) => this.comments.push(comment),
  })
  readonly #decoder = new TextDecoder()

  /** The next frame; undefined at the end. */
  async next(): Promise<EventSourceMessage | undefined> {
    while (this.#frames.length === 0) {
      const { value, done } = await this.#reader.read()
      if (done) return undefined
      this.#parser.feed(this.#decoder.decode(value, { stream: true }))
    }
    return this.#frames.shift()
  }

  /** Frames until one fits, that one included. */
  async until(fits: (frame: EventSourceMessage) => boolean): Promise<EventSourceMessage[]> {
    const frames: EventSourceMessage[] = []
    for (;;) {
      const frame = await this.next()
      if (!frame) return frames
      frames.push(frame)
      if (fits(frame)) return frames
    }
  }

  close(): void {
    this.#abort.abort()
  }
}
