/** Time and identity are injected, so that a spec holds both by hand. Only infra/ reads the real ones. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Runs `task` once after `delayMs`; returns its cancel. Never keeps the process alive by itself. */
  after(delayMs: number, task: () => void): () => void
}

export interface Ids {
  /** A fresh UUID. */
  uuid(): string
  /** In [0, 1): jitter only, never identity. */
  random(): number
}
