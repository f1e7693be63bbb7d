/**
 * Keeps a scrolled box at its end for one who is there; reading back is not disturbed.
 *   P1. Only scrolling up lets go: growth, or a narrower box, is no wish to stay behind.
 *   P2. Layout is asked for once a frame, however many events come: a journal of thousands is replayed on opening.
 */
export class PinnedEnd {
  #box
  #pinned = true
  #last = 0
  #frame

  constructor(box) {
    this.#box = box
    box.addEventListener('scroll', () => this.#scrolled())
    new ResizeObserver(() => this.grown()).observe(box)
  }

  /** To be told of everything added to the box. */
  grown() {
    if (!this.#pinned) return
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined
      if (this.#pinned) this.#box.scrollTop = this.#box.scrollHeight
    })
  }

  toEnd() {
    this.#pinned = true
    this.grown()
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#box
    if (scrollHeight - scrollTop - clientHeight < 40) this.#pinned = true
    else if (scrollTop < this.#last) this.#pinned = false // P1
    this.#last = scrollTop
  }
}
