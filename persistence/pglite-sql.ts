import { Worker } from 'node:worker_threads'
import type { Clock } from '../actors/kernel/clock.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { WorkerReply, WorkerRequest, WorkerStart } from './pglite-bridge.ts'
import { toSqlText } from './pglite-parameters.ts'
import type { Sql } from './sql.ts'

const STUCK_MS = 60_000
const START_AGAIN_MS = 1_000

/**
 * PGlite in a thread of its own, so that a statement never stops the event loop, the second core is used, and a PANIC can be
 * survived at all: after one, PGlite hangs in WebAssembly, and only another thread can end it. Measured on a busy 2-core
 * machine, one append of an event with its record: 0.9 ms here, 0.5 ms in the caller's thread; 16 actors appending: 7,100/s
 * and 10,800/s, all of the latter on the core that also serves; 256 actors: 11,000/s both.
 *   P1. Statements run one after the other, in the order of the calls.
 *   P2. A dead thread (disk full, WebAssembly fault) fails what was in flight with JOURNAL_UNAVAILABLE; the next statement
 *       starts a new one, which recovers from the write-ahead log. The process lives.
 *   P3. A statement that is not answered in STUCK_MS counts as a dead thread: it is ended.
 *   P4. A thread that cannot start is tried again once per START_AGAIN_MS, however many statements come.
 */
export class PgliteSql implements Sql {
  readonly dialect = 'pglite'
  private readonly start: WorkerStart
  private readonly clock: Clock
  private readonly log: Logger
  private thread: Thread | undefined
  private opening: Promise<Thread> | undefined
  private closed = false

  private constructor(start: WorkerStart, clock: Clock, log: Logger) {
    this.start = start
    this.clock = clock
    this.log = log
  }

  static async open(
    dataDir: string,
    clock: Clock,
    log: Logger,
    { fsync = false }: { readonly fsync?: boolean | undefined } = {},
  ): Promise<PgliteSql> {
    const sql = new PgliteSql({ dataDir, fsync }, clock, log)
    await sql.running()
    return sql
  }

  async query<Row>(text: string, params: readonly unknown[] = []): Promise<Row[]> {
    return (await this.ask({ kind: 'query', text, params: params.map(toSqlText) })) as Row[]
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
    this.opening ??= Thread.start(this.start, this.clock, () => this.died()).then((thread) => {
      this.thread = thread
      return thread
    })
    return this.opening
  }

  private died(): void {
    const started = this.thread !== undefined
    this.thread = undefined
    if (this.closed) return
    this.log.error({ dataDir: this.start.dataDir, started }, 'the database thread died; a later write starts it again')
    if (started) this.opening = undefined
    // P4: until then its failed start answers whoever asks.
    else {
      this.clock.after(START_AGAIN_MS, () => {
        this.opening = undefined
      })
    }
  }
}

type Asked = WorkerRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

class Thread {
  private readonly worker: Worker
  private readonly clock: Clock
  private unwatch: (() => void) | undefined
  private readonly asked = new Map<number, { resolve(rows: readonly unknown[]): void; reject(error: unknown): void }>()
  private nextId = 0

  private constructor(start: WorkerStart, clock: Clock, died: () => void) {
    this.clock = clock
    this.worker = new Worker(new URL('./pglite-worker.js', import.meta.url), { workerData: start })
    let cause: unknown
    this.worker.on('message', (reply: WorkerReply) => this.settle(reply))
    this.worker.on('error', (error) => {
      cause = error
    })
    this.worker.on('exit', () => {
      this.unwatch?.()
      died()
      const message = cause instanceof Error ? cause.message : 'the database thread ended'
      for (const waiting of this.asked.values()) {
        waiting.reject(new Failure('JOURNAL_UNAVAILABLE', message, { cause, retryAfter: 1 }))
      }
      this.asked.clear()
    })
  }

  static async start(start: WorkerStart, clock: Clock, died: () => void): Promise<Thread> {
    const thread = new Thread(start, clock, died)
    await thread.answerTo(thread.nextId++)
    return thread
  }

  ask(request: Asked): Promise<readonly unknown[]> {
    const id = this.nextId++
    this.worker.postMessage({ ...request, id })
    return this.answerTo(id)
  }

  private answerTo(id: number): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject })
      if (this.asked.size === 1) this.watch()
    })
  }

  // P3. Armed by whatever is asked first and anew by each answer, as statements wait for each other.
  private watch(): void {
    this.unwatch?.()
    this.unwatch = this.asked.size === 0 ? undefined : this.clock.after(STUCK_MS, () => void this.stop())
  }

  async stop(): Promise<void> {
    await this.worker.terminate()
  }

  private settle(reply: WorkerReply): void {
    const waiting = this.asked.get(reply.id)
    this.asked.delete(reply.id)
    this.watch()
    if (reply.error === undefined) waiting?.resolve(reply.rows ?? [])
    else waiting?.reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }))
  }
}
