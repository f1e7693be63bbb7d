import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { IndexThread } from './index-thread.ts'
import { ThreadedIndex } from './threaded-index.ts'

/**
 * Indexes on threads of their own: started with the first index, shared by all of them in turn, replaced when lost. Those
 * that were on a lost thread stay lost (MEMORY_INDEX_LOST): their owners open new ones and fill them from the rows.
 */
export class IndexThreads {
  readonly #threads: IndexThread[] = []
  readonly #most: number
  readonly #log: Logger
  #opened = 0

  constructor({ threads, log }: { threads: number; log: Logger }) {
    this.#most = threads
    this.#log = log
  }

  /** An empty index. */
  open(): MemoryIndex {
    const at = this.#opened++ % this.#most
    const running = this.#threads[at]
    const thread = running && !running.isLost ? running : this.#start()
    this.#threads[at] = thread
    return new ThreadedIndex(thread, this.#opened)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  #start(): IndexThread {
    return new IndexThread(({ approximate }) => {
      if (!approximate)
        this.#log.warn(
          {},
          'the optional package usearch is not here or has no binary for this platform: vectors of a memory shard are compared one by one, which takes long from about 100,000 on',
        )
    })
  }
}
