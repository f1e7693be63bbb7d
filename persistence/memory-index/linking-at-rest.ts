/** Changes that are closer together than this are a load or an import, which linking would hold up. */
const REST_MS = 20

interface Linked {
  /** Does a few ms of work; whether there is more. */
  link(): boolean
}

/**
 * Links the vectors of a thread's indexes while nothing is put. Linking takes five to ten times as long as all else that
 * is done with an entry: a shard that was taken over would answer nothing meanwhile. What is not linked is found all the same
 * (V2 of vector-index.ts).
 *   R1. Not while changes come; a search waits for one portion at most.
 */
export class LinkingAtRest {
  readonly #waiting = new Set<Linked>()
  readonly #after: (ms: number, task: () => void) => () => void
  #cancel = () => {}

  constructor(after: (ms: number, task: () => void) => () => void) {
    this.#after = after
  }

  changed(index: Linked): void {
    this.#waiting.add(index)
    this.#next(REST_MS) // R1
  }

  closed(index: Linked): void {
    this.#waiting.delete(index)
  }

  #next(ms: number): void {
    this.#cancel()
    this.#cancel = this.#after(ms, () => {
      const [index] = this.#waiting
      if (index === undefined) return
      if (!index.link()) this.#waiting.delete(index)
      this.#next(0)
    })
  }
}
