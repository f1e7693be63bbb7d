/**
 * How many calls of one tool may run at once in this process. First come, first served; whoever stops waiting gives
 * up its place.
 */
export class Slots {
  readonly #limit: number
  readonly #taken = new Map<string, number>()
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Resolves to the slot's release (safe to call twice), or rejects with the signal's reason. */
  take(tool: string, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const taken = this.#taken.get(tool) ?? 0
    if (taken < this.#limit) {
      this.#taken.set(tool, taken + 1)
      return Promise.resolve(this.#release(tool))
    }
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(tool) ?? new Set()
      this.#waiting.set(tool, queue)
      const leave = () => {
        queue.delete(admit)
        reject(signal.reason)
      }
      const admit = () => {
        signal.removeEventListener('abort', leave)
        resolve(this.#release(tool))
      }
      queue.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  running(tool: string): number {
    return this.#taken.get(tool) ?? 0
  }

  #release(tool: string): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      // The slot goes straight to the next in line, so nobody who comes now can overtake.
      for (const next of this.#waiting.get(tool) ?? []) {
        this.#waiting.get(tool)?.delete(next)
        next()
        return
      }
      this.#taken.set(tool, this.running(tool) - 1)
    }
  }
}
