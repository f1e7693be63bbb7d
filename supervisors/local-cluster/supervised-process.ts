import type { Clock } from '../../actors/kernel/clock.ts'
import type { Supervision } from '../../actors/kernel/supervision.ts'
import { type ServiceOptions, ServiceProcess } from '../drills/service-process.ts'
import { judge, noFailures } from '../restart-policy.ts'

/** A process of the local cluster, as data: the same counting and backoff as for an actor. */
export const processSupervision: Supervision = {
  strategy: 'one-for-one',
  restart: 'permanent',
  intensity: 5,
  periodMs: 60_000,
  backoff: { baseMs: 200, maxMs: 10_000, jitter: 0.2 },
  shutdownMs: 40_000,
}

export type ProcessState = 'stopped' | 'starting' | 'ready' | 'frozen' | 'waiting' | 'stopping' | 'given up'

export interface Member extends Omit<ServiceOptions, 'onUnexpectedEnd'> {
  /** node-1, gateway-2… */
  readonly name: string
  readonly role: 'node' | 'gateway'
}

export interface Means {
  readonly clock: Clock
  /** In [0, 1). */
  random(): number
  /** One line for the person: `node-2 is ready`. */
  told(line: string): void
  /** Beyond mending. */
  gaveUp(name: string): void
  readonly supervision?: Supervision
}

/**
 * One process under supervision.
 *   U1. Whatever ends it without our order starts it again, after the policy's backoff, and counts.
 *   U2. Beyond the policy's intensity it stays down, and that is said: a process that cannot live hides its cause when it
 *       is started for ever.
 *   U3. What was ordered (stop, kill, freeze) is no failure and does not count.
 *
 *   stopped ─start─▶ starting ─/readyz─▶ ready ─freeze─▶ frozen ─thaw─▶ ready
 *      ▲               ▲  └──────ends──────┴──────────────┴─▶ waiting ─backoff─▶ starting
 *      └──stop, kill───┴───────────────────────────────────────┘ └─intensity─▶ given up
 */
export class SupervisedProcess {
  readonly name: string
  readonly role: Member['role']
  readonly url: string
  readonly #process: ServiceProcess
  readonly #means: Means
  #state: ProcessState = 'stopped'
  #history = noFailures
  #restarts = 0
  #cancel = () => {}
  #readiness: Promise<void> = Promise.resolve()

  constructor(member: Member, means: Means) {
    this.name = member.name
    this.role = member.role
    this.#means = means
    this.#process = new ServiceProcess({ ...member, onUnexpectedEnd: (how) => this.#ended(how) })
    this.url = this.#process.url
  }

  get state(): ProcessState {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#process.running ? this.#process.pid : undefined
  }

  get restarts(): number {
    return this.#restarts
  }

  get unexpectedExits(): readonly string[] {
    return this.#process.unexpectedExits
  }

  /** Begins a start; `ready` waits for it. */
  start(): void {
    if (this.#process.running) return
    this.#cancel()
    this.#state = 'starting'
    this.#process.start()
    const { pid } = this.#process
    this.#readiness = this.#process.ready(START_MS).then(
      () => {
        if (this.#process.pid !== pid || this.#state !== 'starting') return
        this.#state = 'ready'
        this.#means.told(`${this.name} is ready at ${this.url} (pid ${pid})`)
      },
      (error: Error) => {
        // An end is told by the process itself; what is left is one that lives and does not become ready.
        if (this.#process.pid === pid && this.#process.running && this.#state === 'starting') {
          this.#means.told(`${this.name}: ${error.message.split('\n')[0]}; killed`)
          this.#process.crash()
        }
        throw error
      },
    )
    this.#readiness.catch(() => {})
  }

  /** Of the last start; rejects when it ended, or lived and did not become ready. */
  ready(): Promise<void> {
    return this.#readiness
  }

  /** SIGKILL by order; it stays down until `start`. */
  async kill(): Promise<void> {
    this.#cancel()
    this.#state = 'stopping'
    await this.#process.kill()
    this.#state = 'stopped'
  }

  /** SIGKILL as if nobody had ordered it (U1). */
  crash(): void {
    this.#process.crash()
  }

  freeze(): void {
    if (this.#state !== 'ready') return
    this.#process.freeze()
    this.#state = 'frozen'
    this.#means.told(`${this.name} is frozen`)
  }

  thaw(): void {
    if (this.#state !== 'frozen') return
    this.#process.thaw()
    this.#state = 'ready'
    this.#means.told(`${this.name} goes on`)
  }

  /** Drains it. Resolves to its exit code, null when it had to be killed. */
  async stop(): Promise<number | null> {
    this.#cancel()
    const ran = this.#process.running
    this.#state = 'stopping'
    const code = await this.#process.stop((this.#means.supervision ?? processSupervision).shutdownMs)
    this.#state = 'stopped'
    if (ran)
      this.#means.told(`${this.name} stopped (${code === null ? 'killed: it did not drain in time' : `exit ${code}`})`)
    return code
  }

  async release(): Promise<void> {
    this.#cancel()
    await this.#process.release()
    this.#state = 'stopped'
  }

  logTail(): string {
    return this.#process.logTail()
  }

  #ended(how: string): void {
    const { clock, random, told, gaveUp, supervision = processSupervision } = this.#means
    const failure = { counts: true, atOnce: false, now: clock.now(), random: random() }
    const { verdict, history } = judge(this.#history, supervision, failure)
    this.#history = history
    if (verdict === 'beyond-mending') {
      this.#state = 'given up' // U2
      const last = this.logTail().trim().split('\n').slice(-LAST_LINES).join('\n')
      told(`${this.name}: ${how}; given up after ${supervision.intensity} restarts. The end of its log:\n${last}`)
      gaveUp(this.name)
      return
    }
    this.#state = 'waiting'
    this.#restarts++
    told(`${this.name}: ${how}; starting again in ${verdict.restartAfterMs} ms`)
    this.#cancel = clock.after(verdict.restartAfterMs, () => this.start()) // U1
  }
}

/** The probes of a start give up within 30 s by themselves and end the process, with the cause. */
const START_MS = 60_000
const LAST_LINES = 10
