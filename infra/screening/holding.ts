/** Bytes of archives in archives that one screening holds at once: a ZIP file is read from its end, so it must be whole. */
const HELD_BYTES = 32 * 1024 * 1024

/** Who holds bytes stands in line for it: of any number of uploads at once, one does (I9). */
let last: Promise<void> = Promise.resolve()

export class Holding {
  #leave: (() => void) | undefined
  #held = 0

  /** Waits for its turn, and answers how much may be held now. */
  async room(): Promise<number> {
    if (!this.#leave) {
      const before = last
      last = new Promise((resolve) => {
        this.#leave = resolve
      })
      await before
    }
    return HELD_BYTES - this.#held
  }

  async while<Answer>(bytes: number, work: () => Promise<Answer>): Promise<Answer> {
    this.#held += bytes
    try {
      return await work()
    } finally {
      this.#held -= bytes
    }
  }

  end(): void {
    this.#leave?.()
  }
}
