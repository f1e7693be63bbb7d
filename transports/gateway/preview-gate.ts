import type { ConversationEvent, Preview, ToolProgress } from '../outbound.ts'

const MAX_DONE = 64

/** Whether a preview is still news, given the events that its reader has seen. */
export class PreviewGate {
  #turn: string | undefined
  #step = 0
  #attempt = 0
  #ended = true
  /** Calls that have their result: the newest of them. */
  readonly #done = new Set<string>()

  /** No turn is in progress as far as the reader has seen. */
  get resting(): boolean {
    return this.#ended
  }

  passed(event: ConversationEvent): void {
    const { turn_id, step, attempt } = event.metadata
    switch (event.type) {
      case 'user.message':
        this.#ended = false
        return
      case 'assistant.started':
      case 'assistant.restarted':
        this.#ended = false
        this.#turn = String(turn_id)
        this.#step = Number(step)
        this.#attempt = Number(attempt)
        return
      case 'assistant.thinking':
        this.#step = Number(step) + 1
        this.#attempt = 0
        return
      case 'tool.result':
        this.#callDone(String(event.metadata.call_id))
        return
      case 'assistant.final':
        this.#turn = String(turn_id)
        this.#ended = true
        return
    }
  }

  /** A word that comes after the result of its call is late. */
  admitsProgress({ callId }: ToolProgress): boolean {
    return !this.#done.has(callId)
  }

  #callDone(callId: string): void {
    this.#done.add(callId)
    const [oldest] = this.#done
    if (this.#done.size > MAX_DONE && oldest !== undefined) this.#done.delete(oldest)
  }

  admits(preview: Preview): boolean {
    // A preview may come before the event that starts its turn, when the two travel apart.
    if (preview.turnId !== this.#turn) return true
    if (this.#ended) return false
    return preview.step > this.#step || (preview.step === this.#step && preview.attempt >= this.#attempt)
  }
}
