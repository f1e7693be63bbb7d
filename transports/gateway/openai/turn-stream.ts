import type { FastifyReply, FastifyRequest } from 'fastify'
import { asFailure, type Failure } from '../../../actors/kernel/failure.ts'
import type { ConversationEvent, Preview } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import { SseResponse } from '../sse.ts'
import type { TurnListener, TurnWatch } from '../turn-watch.ts'
import { TextFlow } from './text-flow.ts'
import { refuseFailedTurn } from './turn-outcome.ts'

/**
 * One turn sent as it happens; chat completions and responses differ only in words. Headers wait for the first text
 * (or the first heartbeat), so that a turn which fails before it says anything is an HTTP error, which clients turn
 * into their typed exceptions. A client that hangs up ends this stream, never the turn.
 */
export abstract class TurnStream implements TurnListener {
  protected readonly sse: SseResponse
  protected readonly flow = new TextFlow()
  readonly #reply: FastifyReply
  readonly #remove: () => void
  #watch: TurnWatch | undefined
  /** Text that came before the mailbox confirmed the turn: nothing is answered before that (I1). */
  #early = ''
  /** What a slow reader has not taken; the newest preview holds all of it (I9). */
  #waiting: Preview | undefined
  #blocked = false

  constructor(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
    this.#reply = reply
    this.#remove = context.streams.add(request.caller.tenant, {
      heartbeat: () => {
        if (!this.#watch) return
        this.open()
        this.sse.comment('keep-alive')
      },
      // This kind of stream cannot be resumed, so a drain leaves it its time to end.
      cut: () => {},
    })
    this.sse = new SseResponse(reply, { drain: () => this.#drained(), gone: () => this.abandon() })
  }

  preview(preview: Preview): void {
    if (this.#blocked) this.#waiting = preview
    else this.#text(this.flow.preview(preview))
  }

  event(event: ConversationEvent): void {
    this.#text(this.flow.event(event))
  }

  /** Nobody listens any more, or the turn was never accepted. */
  abandon(): void {
    this.#remove()
    this.#watch?.close()
  }

  /** Called once the turn is accepted; resolves when the stream is over. */
  async run(watch: TurnWatch): Promise<void> {
    this.#watch = watch
    const early = this.#early
    this.#early = ''
    this.#text(early)
    try {
      const final = await watch.final
      if (!this.sse.opened) refuseFailedTurn(final, this.#reply)
      this.#text(this.flow.event(final))
      this.open()
      this.finish(final)
      this.sse.end()
    } catch (error) {
      // Before the first chunk the server's own error handler answers.
      if (!this.sse.opened) throw error
      this.fail(asFailure(error))
      this.sse.end()
    } finally {
      this.abandon()
    }
  }

  protected open(): void {
    if (this.sse.opened) return
    this.sse.open()
    this.begin()
  }

  /** Remembers whether the reader keeps up. */
  protected sent(more: boolean): void {
    this.#blocked = !more
  }

  protected abstract begin(): void
  protected abstract say(delta: string): void
  protected abstract finish(final: ConversationEvent): void
  protected abstract fail(failure: Failure): void

  #text(delta: string): void {
    if (delta === '') return
    if (!this.#watch) {
      this.#early += delta
      return
    }
    this.open()
    this.say(delta)
  }

  #drained(): void {
    this.#blocked = false
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) this.preview(waiting)
  }
}
