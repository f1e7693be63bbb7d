import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface LoadOrder {
  readonly url: string
  readonly clients: number
  readonly forMs: number
  /** Undefined: every message is a session of its own. */
  readonly sessions?: readonly string[]
}

export interface LoadResult {
  /** One for each answer, in milliseconds. */
  readonly latencies: readonly number[]
  readonly errors: readonly string[]
  readonly elapsedMs: number
  /** What the clients themselves used. */
  readonly cpuMs: number
}

/** The clients' process; it goes with this one. */
export class Load {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(fileURLToPath(new URL('./load-client.js', import.meta.url)), {
      execArgv: [],
      // Latencies come as one array of up to 100,000 numbers.
      serialization: 'advanced',
      stdio: ['ignore', 2, 2, 'ipc'],
    })
  }

  async run(order: LoadOrder): Promise<LoadResult> {
    this.#child.send(order)
    const [result] = await once(this.#child, 'message')
    return result as LoadResult
  }

  close(): void {
    this.#child.disconnect()
  }
}
