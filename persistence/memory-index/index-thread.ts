import { Worker } from 'node:worker_threads'
import { Failure } from '../../actors/kernel/failure.ts'
import type { IndexHit } from '../../actors/memory/index/memory-index.ts'
import type { IndexReply, IndexRequest, IndexThreadReady } from './index-messages.ts'

type Without<T, Name extends PropertyKey> = T extends unknown ? Omit<T, Name> : never

interface Waiting {
  resolve(hits: readonly IndexHit[]): void
  reject(failure: Failure): void
}

/** One thread of indexes. When it ends by itself, all that waits is answered MEMORY_INDEX_LOST, and so is all that comes. */
export class IndexThread {
  readonly #worker = new Worker(new URL('./index-worker.js', import.meta.url), { name: 'memory index' })
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #lost: Failure | undefined

  constructor(onReady: (ready: IndexThreadReady) => void) {
    this.#worker.unref()
    this.#worker.once('message', (ready: IndexThreadReady) => {
      onReady(ready)
      this.#worker.on('message', (reply: IndexReply) => this.#answered(reply))
    })
    this.#worker.once('error', (error: Error) => this.#lose(error.message))
    this.#worker.once('exit', (code) => this.#lose(`exit ${code}`))
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Handled after all that was asked before. Rejects with the Failure of the index, or MEMORY_INDEX_LOST. */
  ask(request: Without<IndexRequest, 'id'>): Promise<readonly IndexHit[]> {
    if (this.#lost) return Promise.reject(this.#lost)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      // A process may end when nothing is asked; not while somebody waits.
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...request, id } as IndexRequest)
    })
  }

  async close(): Promise<void> {
    this.#lose('it is closed')
    await this.#worker.terminate()
  }

  #answered(reply: IndexReply): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (this.#waiting.size === 0) this.#worker.unref()
    if ('error' in reply) waiting?.reject(new Failure(reply.error.code, reply.error.detail))
    else waiting?.resolve(reply.hits ?? [])
  }

  #lose(why: string): void {
    if (this.#lost) return
    this.#lost = new Failure('MEMORY_INDEX_LOST', `the index thread ended: ${why}`)
    for (const { reject } of this.#waiting.values()) reject(this.#lost)
    this.#waiting.clear()
  }
}
