import type { ConversationEvent } from '../outbound.ts'
import { type Paint, shorten } from './terminal.ts'

/**
 * Turns a session's events into what a person reads while the answer comes.
 * How a failed turn ended is for who asked to say, with its remedy and where errors go.
 *   T1. Text is shown once: what previews showed is not printed again when the journaled event brings the whole.
 */
export class TurnPrinter {
  readonly #write: (text: string) => void
  readonly #paint: Paint
  /** Text of the model's step in progress that is on the screen. */
  #shown = ''

  constructor(write: (text: string) => void, paint: Paint) {
    this.#write = write
    this.#paint = paint
  }

  print({ type, message, metadata }: ConversationEvent): void {
    switch (type) {
      case 'assistant.stream':
        this.#text(this.#shown.slice(0, Number(metadata.offset ?? 0)) + String(metadata.delta ?? ''))
        break
      case 'assistant.restarted':
        this.#note(`started again: ${metadata.reason ?? 'the process that worked on it is gone'}`)
        break
      case 'assistant.thinking':
        // Of a last step it has the tool calls and usage alone; the text comes with the final.
        if (message === '') break
        this.#text(message)
        this.#endLine()
        break
      case 'tool.start':
        this.#note(`→ ${metadata.tool_name} ${shorten(JSON.stringify(metadata.args ?? {}), 100)}`)
        break
      case 'tool.result': {
        const mark = metadata.status === 'success' ? this.#paint.green('✓') : this.#paint.red(`✗ ${metadata.status}`)
        this.#note(`${mark} ${metadata.tool_name}: ${shorten(message, 100)}`)
        break
      }
      case 'user.intervention':
        this.#note('interrupted')
        break
      case 'session.paused':
        this.#note('paused')
        break
      case 'assistant.final':
        this.#final(message, metadata)
        break
    }
  }

  #final(message: string, metadata: ConversationEvent['metadata']): void {
    // Of a failed turn the message is the detail of its failure.
    const isText = metadata.outcome === 'completed' || (this.#shown === '' && metadata.outcome !== 'failed')
    if (isText) this.#text(message)
    this.#endLine()
    if (metadata.outcome === 'failed') return
    const { total_tokens = 0, cost_usd = 0 } = (metadata.usage ?? {}) as { total_tokens?: number; cost_usd?: number }
    const cost = cost_usd > 0 ? `, $${cost_usd.toFixed(4)}` : ''
    const tokens = total_tokens > 0 ? `${total_tokens} tokens${cost}` : ''
    // A turn that was stopped before its first step was over has neither a model nor tokens to tell of.
    const facts = [metadata.model, tokens].filter(Boolean).join(', ')
    const ended = metadata.outcome === 'completed' ? '' : String(metadata.outcome)
    this.#note([ended, facts].filter(Boolean).join('; ') || 'done')
  }

  /** T1. `whole` is all the text of the step; prints what is not on the screen yet. */
  #text(whole: string): void {
    if (whole.startsWith(this.#shown)) this.#write(whole.slice(this.#shown.length))
    else this.#write(`\n${whole}`)
    this.#shown = whole
  }

  #note(text: string): void {
    this.#endLine()
    this.#write(`${this.#paint.dim(`  ${text}`)}\n`)
  }

  #endLine(): void {
    if (this.#shown !== '' && !this.#shown.endsWith('\n')) this.#write('\n')
    this.#shown = ''
  }
}
