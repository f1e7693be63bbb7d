import type { FastifyReply } from 'fastify'

/** Frames waiting in this process beyond which a response counts as blocked. Node's own mark (16 KB) is one long frame. */
const BLOCKED_BYTES = 64 * 1024
/** An error frame may wait so long for a reader that was cut off; then the socket goes. */
const LAST_WORDS_MS = 2_000

/** A response that sends server-sent events. Answers nothing until `open`, so that early failures keep their status. */
export class SseResponse {
  readonly #reply: FastifyReply
  readonly #ondrain: () => void
  #opened = false

  constructor(reply: FastifyReply, on: { drain(): void; gone(): void }) {
    this.#reply = reply
    this.#ondrain = on.drain
    reply.raw.on('drain', this.#ondrain)
    reply.raw.on('close', on.gone)
  }

  get opened(): boolean {
    return this.#opened
  }

  open(): void {
    if (this.#opened) return
    this.#opened = true
    this.#reply.hijack()
    this.#reply.raw.writeHead(200, {
      ...(this.#reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // nginx would gather the stream otherwise.
      'x-accel-buffering': 'no',
    })
    this.#reply.raw.flushHeaders()
  }

  /** False: wait for `drain`. */
  send(data: string, fields: { event?: string; id?: number | string } = {}): boolean {
    return this.#write(
      `${fields.event === undefined ? '' : `event: ${fields.event}\n`}${fields.id === undefined ? '' : `id: ${fields.id}\n`}data: ${data}\n\n`,
    )
  }

  comment(text: string): boolean {
    return this.#write(`: ${text}\n\n`)
  }

  end(): void {
    const { raw } = this.#reply
    if (raw.destroyed) return
    raw.end()
    // A reader that takes nothing must not hold the socket for ever.
    raw.setTimeout(LAST_WORDS_MS, () => raw.destroy())
  }

  #write(text: string): boolean {
    const { raw } = this.#reply
    if (raw.destroyed || raw.writableEnded) return true
    raw.write(text)
    // `drain` comes only after a write that went over Node's own mark, which is below ours.
    return raw.writableLength < BLOCKED_BYTES
  }
}
