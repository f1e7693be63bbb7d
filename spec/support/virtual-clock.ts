import type { Clock } from '../../actors/kernel/clock.ts'

/** Time by hand: nothing happens until `advance`, and then in the order of its due times. */
export class VirtualClock implements Clock {
  private time: number
  private tasks: { readonly at: number; readonly task: () => void }[] = []

  constructor(start = 1_700_000_000_000) {
    this.time = start
  }

  now(): number {
    return this.time
  }

  after(delayMs: number, task: () => void): () => void {
    const entry = { at: this.time + Math.max(0, delayMs), task }
    this.tasks.push(entry)
    return () => {
      this.tasks = this.tasks.filter((other) => other !== entry)
    }
  }

  /** Tasks that wait for their time. */
  get pending(): number {
    return this.tasks.length
  }

  /** Milliseconds until the next task is due. */
  get nextIn(): number | undefined {
    return this.tasks.length === 0 ? undefined : Math.min(...this.tasks.map((entry) => entry.at)) - this.time
  }

  advance(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const due = this.tasks.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.tasks = this.tasks.filter((entry) => entry !== due)
      this.time = Math.max(this.time, due.at)
      due.task()
    }
    this.time = until
  }
}
