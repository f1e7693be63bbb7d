const OPEN = '<think>'
const CLOSE = '</think>'

/**
 * Drops a `<think>…</think>` block at the head of an answer: local servers send the reasoning of open models inline
 * unless told otherwise. Only at the head, so that a text that speaks of the tag is left alone.
 */
export class ThoughtFilter {
  #state: 'head' | 'thinking' | 'text' = 'head'
  #held = ''

  pass(delta: string): string {
    if (this.#state === 'text' || delta === '') return delta
    this.#held += delta
    if (this.#state === 'head') {
      const head = this.#held.trimStart()
      if (OPEN.startsWith(head.slice(0, OPEN.length))) {
        if (head.length < OPEN.length) return ''
        this.#state = 'thinking'
      } else {
        return this.#release(this.#held)
      }
    }
    const close = this.#held.indexOf(CLOSE)
    if (close >= 0) return this.#release(this.#held.slice(close + CLOSE.length).trimStart())
    // What cannot be the start of the closing tag is let go: thoughts may be long.
    this.#held = this.#held.slice(-(CLOSE.length - 1))
    return ''
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
