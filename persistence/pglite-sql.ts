import { Worker } from 'node:worker_threads'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { WorkerReply, WorkerRequest } from './pglite-bridge.ts'
import type { Sql } from './sql.ts'

/**
 * PGlite in a thread of its own, so that a statement never stops the event loop and the second core is used.
 *   P1. Statements run one after the other, in the order of the calls.
 *   P2. A dead thread (disk full, WebAssembly fault) fails what was in flight with JOURNAL_UNAVAILABLE; the next statement
 *       starts a new one, which recovers from the write-ahead log. The process lives.
 */
export class PgliteSql implements Sql {
  readonly dialect = 'pglite'
  private readonly dataDir: string
  private readonly log: Logger
  private thread: Thread | undefined
  private opening: Promise<Thread> | undefined
  private closed = false

  private constructor(dataDir: string, log: Logger) {
    this.dataDir = dataDir
    this.log = log
  }

  static async open(dataDir: string, log: Logger): Promise<PgliteSql> {
    const sql = new PgliteSql(dataDir, log)
    await sql.running()
    return sql
  }

  async query<Row>(text: string, params: readonly unknown[] = []): Promise<Row[]> {
    return (await this.ask({ kind: 'query', text, params })) as Row[]
  }

  async exec(script: string): Promise<void> {
    await this.ask({ kind: 'exec', text: script })
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    const thread = this.thread ?? (await this.opening?.catch(() => undefined))
    if (thread === undefined) return
    await thread.ask({ kind: 'close' }).catch(() => {})
    await thread.stop()
  }

  private async ask(request: Asked): Promise<readonly unknown[]> {
    if (this.closed) throw new Failure('JOURNAL_UNAVAILABLE', 'the database is closed')
    // P1: no await when the thread runs, so two calls made in one turn keep their order.
    if (this.thread !== undefined) return this.thread.ask(request)
    return (await this.running()).ask(request)
  }

  private running(): Promise<Thread> {
    this.opening ??= Thread.start(this.dataDir, () => {
      this.thread = undefined
      this.opening = undefined
      if (!this.closed)
        this.log.error({ dataDir: this.dataDir }, 'the database thread died; the next write starts it again')
    }).then((thread) => {
      this.thread = thread
      return thread
    })
    return this.opening
  }
}

type Asked = WorkerRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

class Thread {
  private readonly worker: Worker
  private readonly asked = new Map<number, { resolve(rows: readonly unknown[]): void; reject(error: unknown): void }>()
  private nextId = 0

  private constructor(dataDir: string, died: () => void) {
    this.worker = new Worker(new URL('./pglite-worker.js', import.meta.url), { workerData: { dataDir } })
    let cause: unknown
    this.worker.on('message', (reply: WorkerReply) => this.settle(reply))
    this.worker.on('error', (error) => {
      cause = error
    })
    this.worker.on('exit', () => {
      died()
      const message = cause instanceof Error ? cause.message : 'the database thread ended'
      for (const waiting of this.asked.values()) {
        waiting.reject(new Failure('JOURNAL_UNAVAILABLE', message, { cause, retryAfter: 1 }))
      }
      this.asked.clear()
    })
  }

  static async start(dataDir: string, died: () => void): Promise<Thread> {
    const thread = new Thread(dataDir, died)
    await new Promise<readonly unknown[]>((resolve, reject) => {
      thread.asked.set(thread.nextId++, { resolve, reject })
    })
    return thread
  }

  ask(request: Asked): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++
      this.asked.set(id, { resolve, reject })
      this.worker.postMessage({ ...request, id })
    })
  }

  async stop(): Promise<void> {
    await this.worker.terminate()
  }

  private settle(reply: WorkerReply): void {
    const waiting = this.asked.get(reply.id)
    this.asked.delete(reply.id)
    if (reply.error === undefined) waiting?.resolve(reply.rows ?? [])
    else waiting?.reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }))
  }
}
