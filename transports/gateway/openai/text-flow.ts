import type { ConversationEvent, Preview } from '../../outbound.ts'

/**
 * The text of a turn as one growing string, which is all that an OpenAI stream can say: what was sent cannot be taken
 * back. Steps are set apart by a blank line, and so is a new attempt that says something else than the lost one.
 */
export class TextFlow {
  #step = -1
  #attempt = -1
  /** What was sent of the step in progress. */
  #shown = ''
  /** Another attempt of this step was lost, so its text must be compared with what was sent. */
  #restarted = false
  #any = false

  /** What to send next for this preview. */
  preview({ step, attempt, text }: Pick<Preview, 'step' | 'attempt' | 'text'>): string {
    if (step < this.#step || (step === this.#step && attempt < this.#attempt)) return ''
    this.#enter(step, attempt)
    // Cumulative within an attempt: without a restart there is nothing to compare, and this runs for every token.
    if (this.#restarted || this.#shown === '') return this.#reach(text)
    const delta = text.slice(this.#shown.length)
    if (delta !== '') this.#shown = text
    return delta
  }

  /** What to send next for an event of the turn: the whole text of a step that ended. */
  event({ type, message, metadata }: Pick<ConversationEvent, 'type' | 'message' | 'metadata'>): string {
    const step = Number(metadata.step ?? this.#step)
    switch (type) {
      case 'assistant.started':
      case 'assistant.restarted':
        this.#enter(step, Number(metadata.attempt ?? 0))
        return ''
      case 'assistant.thinking':
        if (step < this.#step) return ''
        this.#enter(step, step > this.#step ? 0 : this.#attempt)
        return this.#reach(message)
      case 'assistant.final':
        return this.#reach(message)
      default:
        return ''
    }
  }

  #enter(step: number, attempt: number): void {
    if (step > this.#step) {
      this.#shown = ''
      this.#restarted = false
    } else if (attempt > this.#attempt && this.#attempt >= 0) {
      this.#restarted = true
    }
    this.#step = step
    this.#attempt = attempt
  }

  #reach(text: string): string {
    const shown = this.#shown
    // A new attempt that has not yet caught up with what was shown says nothing new.
    if (shown.startsWith(text)) return ''
    this.#shown = text
    if (shown !== '' && text.startsWith(shown)) return text.slice(shown.length)
    const separator = this.#any ? '\n\n' : ''
    this.#any = true
    return separator + text
  }
}
