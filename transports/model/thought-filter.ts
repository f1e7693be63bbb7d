const OPEN = '<think>'
const CLOSE = '</think>'
/** Blank space before the tag is held back no longer than this. */
const MAX_HEAD = 1_000

/**
 * Drops a `<think>…</think>` block at the head of an answer: local servers send the reasoning of open models inline
 * unless told otherwise. Only at the head, so that a text that speaks of the tag is left alone.
 */
export class ThoughtFilter {
  #state: 'head' | 'thinking' | 'gap' | 'text' = 'head'
  #held = ''

  pass(delta: string): string {
    if (this.#state === 'text' || delta === '') return delta
    this.#held += delta
    if (this.#state === 'head') {
      const head = this.#held.trimStart()
      if (OPEN.startsWith(head.slice(0, OPEN.length)) && this.#held.length < MAX_HEAD) {
        if (head.length < OPEN.length) return ''
        this.#state = 'thinking'
      } else {
        return this.#release(this.#held)
      }
    }
    if (this.#state === 'thinking') {
      const close = this.#held.indexOf(CLOSE)
      // What cannot be the start of the closing tag is let go: thoughts may be long.
      this.#held = this.#held.slice(close < 0 ? -(CLOSE.length - 1) : close + CLOSE.length)
      if (close < 0) return ''
      this.#state = 'gap'
    }
    this.#held = this.#held.trimStart()
    return this.#held === '' ? '' : this.#release(this.#held)
  }

  /** What was held back for a tag that never came. */
  end(): string {
    return this.#state === 'head' ? this.#release(this.#held) : ''
  }

  #release(text: string): string {
    this.#state = 'text'
    this.#held = ''
    return text
  }
}
