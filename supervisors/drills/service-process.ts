import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface ServiceOptions {
  /** The program, as arguments of node: `[<dist>/infra/soma-main.js, 'serve']`. */
  readonly program: readonly string[]
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  /** The file that its output is added to. */
  readonly log: string
  /** Arguments of node itself, before the program: a drill's preloads. */
  readonly node?: readonly string[]
  /** All of this process's own environment (`soma up`), instead of the machine's part of it alone (a drill). */
  readonly inherit?: 'everything'
  /** An end that nobody here asked for. */
  onUnexpectedEnd?(how: string): void
}

const followParent = ['--import', new URL('./follow-parent.js', import.meta.url).href]
const READY_POLL_MS = 15
const LOG_TAIL = 4_000

/**
 * The service as a process of its own, that a drill starts and kills again and again.
 *   D1. Only processes started here are ever signalled, through the handle that started them, never by a number.
 *   D2. None outlives this process: it dies with it, on an error and on Ctrl-C too. When we were killed ourselves, it
 *       drains by itself (follow-parent.ts).
 */
export class ServiceProcess {
  readonly url: string
  readonly #options: ServiceOptions
  #child: ChildProcess | undefined
  #gone: Promise<unknown> = Promise.resolve()
  #expected = true
  #starts = 0
  readonly #unexpected: string[] = []
  readonly #reap = () => this.#child?.kill('SIGKILL') // D2

  constructor(options: ServiceOptions) {
    this.#options = options
    this.url = `http://127.0.0.1:${options.port}`
    process.on('exit', this.#reap)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get starts(): number {
    return this.#starts
  }

  /** Ends that nobody here asked for. */
  get unexpectedExits(): readonly string[] {
    return this.#unexpected
  }

  start(): void {
    if (this.running) throw new Error('the service runs already')
    const output = openSync(this.#options.log, 'a')
    const { node = [], program, inherit, port, env } = this.#options
    const child = spawn(process.execPath, ['--enable-source-maps', ...followParent, ...node, ...program], {
      env: { ...(inherit ? process.env : inherited()), SOMA_PORT: String(port), ...env },
      // A group of its own: Ctrl-C is ours to hand on, in our order. The pipe tells it when we are gone (D2).
      detached: true,
      stdio: ['ignore', output, output, 'pipe'],
    })
    ;(child.stdio[3] as Socket).unref()
    closeSync(output)
    this.#child = child
    this.#expected = false
    this.#starts++
    this.#gone = once(child, 'exit').then(([code, signal]) => {
      if (this.#expected || this.#child !== child) return
      const how = `pid ${child.pid} ended by itself: ${signal ?? `exit ${code}`}`
      this.#unexpected.push(how)
      this.#options.onUnexpectedEnd?.(how)
    })
  }

  /** Resolves once /readyz says yes; rejects when the process ends first, or after `withinMs`. */
  async ready(withinMs = 60_000): Promise<void> {
    const until = performance.now() + withinMs
    while (performance.now() < until) {
      if (!this.running) throw new Error(`the service ended before it was ready:\n${this.logTail()}`)
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
      await answer?.arrayBuffer().catch(() => undefined)
      if (answer?.status === 200) return
      await pause(READY_POLL_MS)
    }
    throw new Error(`the service was not ready within ${withinMs} ms:\n${this.logTail()}`)
  }

  /** SIGKILL, and the end of the process awaited: the next may take its port and data at once. */
  async kill(): Promise<void> {
    this.#expected = true
    this.#child?.kill('SIGKILL') // D1
    await this.#gone
  }

  /** As a process that the machine no longer runs: it answers nothing, and knows nothing of it when it goes on. */
  freeze(): void {
    this.#child?.kill('SIGSTOP') // D1
  }

  thaw(): void {
    if (this.running) this.#child?.kill('SIGCONT')
  }

  /** As a crash that nobody ordered: whoever watches for unexpected ends hears of it. */
  crash(): void {
    this.#child?.kill('SIGKILL') // D1
  }

  /** SIGTERM; SIGKILL when it has not ended by then. Resolves to its exit code, or null when it was killed. */
  async stop(withinMs = 20_000): Promise<number | null> {
    this.#expected = true
    this.#child?.kill('SIGTERM')
    this.thaw()
    const patience = new AbortController()
    const late = pause(withinMs, 'late', { signal: patience.signal }).catch(() => 'in time')
    if ((await Promise.race([this.#gone, late])) === 'late') await this.kill()
    patience.abort()
    return this.#child?.exitCode ?? null
  }

  /** The last use of this object. */
  async release(): Promise<void> {
    await this.kill()
    process.off('exit', this.#reap)
  }

  logTail(): string {
    try {
      return readFileSync(this.#options.log, 'utf8').slice(-LOG_TAIL)
    } catch {
      return '(no output)'
    }
  }
}

/** Settings of the person's own service (SOMA_…, OPENAI_…, POSTGRES_DSN) must not reach a drill's. */
function inherited(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'NODE_EXTRA_CA_CERTS', 'NODE_V8_COVERAGE', 'SystemRoot']
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
