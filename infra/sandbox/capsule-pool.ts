import type { FileHandle } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Language, Program, ProgramRun, Sandbox, SandboxLimits } from '../../actors/tool/catalogue/code/sandbox.ts'
import { Capsule } from './capsule.ts'
import { findWalls, type Walls } from './enclosure.ts'
import { capsuleProgram } from './node-arguments.ts'
import { makePythonSnapshot } from './python-snapshot.ts'
import { type StartLimits, startLimits } from './start-limits.ts'

export interface CapsulePoolOptions extends SandboxLimits {
  /** Programs that run at once; 0 is one for each processor. */
  readonly atOnce: number
  /** Refuse to run where the system lacks limits or namespaces, rather than run behind the walls that there are. */
  readonly allWalls: boolean
  /** For specs: what stands in place of the interpreters, and the walls to build of those that there are. */
  readonly program?: string
  readonly walls?: Partial<Walls>
  readonly start?: Partial<StartLimits>
}

const MAX_WAITING = 64
const SPARE_IDLE_MS = 600_000
const BUSY_RETRY_SECONDS = 5

/**
 * Programs in capsules, with one spare of each language that was asked for of late.
 *   P1. Nothing is started before the first program, and no spare outlives ten minutes without a program.
 *   P2. A capsule runs one program and is thrown away: no program meets what another left (S1).
 *   P3. At most `atOnce` programs run. code_execute lets no more in (its slots, which are fair: actors/tool/slots.ts), so
 *       whoever waits here waits for a process that is dying, for milliseconds and in order of arrival. Anybody else's
 *       programs wait in the same line, MAX_WAITING of them; one more hears SANDBOX_BUSY.
 *   P4. A program whose capsule never became ready has not been handed over, so it is given to another one, once.
 */
export class CapsulePool implements Sandbox {
  readonly limits: SandboxLimits
  readonly atOnce: number
  readonly #options: CapsulePoolOptions
  readonly #clock: Clock
  readonly #log: Logger
  readonly #startLimits: StartLimits
  readonly #spares = new Map<Language, { readonly capsule: Capsule; readonly expire: () => void }>()
  readonly #alive = new Set<Capsule>()
  readonly #waiting = new Set<() => void>()
  #snapshot: Promise<FileHandle | undefined> | undefined
  #kept: FileHandle | undefined
  #preparing: Promise<void> | undefined
  #running = 0
  #walls: Promise<Walls> | undefined
  #closed = false

  constructor(options: CapsulePoolOptions, { clock, log }: { clock: Clock; log: Logger }) {
    this.#options = options
    this.#clock = clock
    this.#log = log
    const { timeoutMs, cpuSeconds, memoryMb, outputBytes } = options
    this.limits = { timeoutMs, cpuSeconds, memoryMb, outputBytes }
    this.#startLimits = { ...startLimits, ...options.start }
    this.atOnce = options.atOnce === 0 ? availableParallelism() : options.atOnce
  }

  async run(program: Program, signal: AbortSignal): Promise<ProgramRun> {
    signal.throwIfAborted()
    await this.#place(signal)
    let capsule: Capsule | undefined
    try {
      capsule = await this.#readyFor(program.language, signal)
      return await this.#runIn(capsule, program, signal)
    } finally {
      // The answer does not wait for the end of the process; the place does, as it is free when its memory is.
      void (capsule?.ended ?? Promise.resolve()).then(() => this.#leave())
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const capsule of this.#alive) capsule.kill()
    await Promise.all([...this.#alive].map((capsule) => capsule.ended))
    await (await this.#snapshot)?.close()
  }

  /** Resolves when the spare of a language, if there is one, takes a program: for whoever measures. */
  async spareReady(language: Language): Promise<void> {
    await this.#preparing
    await this.#spares.get(language)?.capsule.ready
  }

  /** P4. The second has what time the first left of the limit by the clock, so that both together keep it. */
  async #readyFor(language: Language, signal: AbortSignal): Promise<Capsule> {
    const until = performance.now() + this.#startLimits.wallMs
    const first = await this.#take(language)
    try {
      return await this.#whenReady(first, signal)
    } catch (error) {
      const wallMs = until - performance.now()
      if (signal.aborted || this.#closed || wallMs <= 0) throw error
      this.#log.warn({ error }, 'another sandbox is tried')
      return await this.#whenReady(await this.#fresh(language, { ...this.#startLimits, wallMs }), signal)
    }
  }

  async #whenReady(capsule: Capsule, signal: AbortSignal): Promise<Capsule> {
    const abort = () => capsule.kill()
    signal.addEventListener('abort', abort, { once: true })
    try {
      if (signal.aborted) abort()
      await capsule.ready
      signal.throwIfAborted()
      return capsule
    } catch (error) {
      capsule.kill()
      await capsule.ended
      if (signal.aborted) throw signal.reason
      this.#log.error({ error, noise: capsule.noise.slice(0, 2_000) }, 'a sandbox could not be started')
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #runIn(capsule: Capsule, program: Program, signal: AbortSignal): Promise<ProgramRun> {
    const abort = () => capsule.kill()
    signal.addEventListener('abort', abort, { once: true })
    try {
      this.#restock(program.language)
      const run = await capsule.run(program)
      signal.throwIfAborted()
      if (run.end === 'crashed') this.#log.warn({ noise: capsule.noise.slice(0, 2_000), end: run }, 'a sandbox crashed')
      return run
    } finally {
      signal.removeEventListener('abort', abort)
      capsule.kill()
    }
  }

  async #take(language: Language): Promise<Capsule> {
    const spare = this.#spares.get(language)
    this.#spares.delete(language)
    spare?.expire()
    if (spare && !spare.capsule.isOver) return spare.capsule
    return this.#fresh(language, this.#startLimits)
  }

  /** From the memory of Python if that is kept already: the first program does not wait for it. */
  async #fresh(language: Language, limits: StartLimits): Promise<Capsule> {
    return this.#start(language, await this.#standing(), language === 'python' ? this.#kept : undefined, limits)
  }

  #start(language: Language, walls: Walls, snapshot: FileHandle | undefined, start: StartLimits): Capsule {
    if (this.#closed) throw new Failure('SANDBOX_UNAVAILABLE', 'The service is stopping.')
    const { program = capsuleProgram } = this.#options
    const capsule = new Capsule(language, {
      walls,
      limits: this.limits,
      start,
      program,
      snapshot: snapshot?.fd,
    })
    this.#alive.add(capsule)
    void capsule.ended.then(() => this.#alive.delete(capsule))
    return capsule
  }

  #restock(language: Language): void {
    if (this.#spares.has(language) || this.#closed) return
    this.#preparing = this.#prepare(language).catch((error) =>
      this.#log.warn({ error, language }, 'no spare could be started'),
    )
  }

  async #prepare(language: Language): Promise<void> {
    const [walls, snapshot] = await Promise.all([this.#standing(), this.#snapshotOf(language)])
    if (this.#spares.has(language) || this.#closed) return
    const capsule = this.#start(language, walls, snapshot, this.#startLimits)
    const expire = this.#clock.after(SPARE_IDLE_MS, () => {
      if (this.#spares.get(language)?.capsule === capsule) this.#spares.delete(language)
      capsule.kill() // P1
    })
    this.#spares.set(language, { capsule, expire })
  }

  /** The first program of Python does not wait for it; without one, a capsule only takes longer to start. */
  #snapshotOf(language: Language): Promise<FileHandle | undefined> {
    if (language !== 'python' || this.#options.program !== undefined) return Promise.resolve(undefined)
    this.#snapshot ??= makePythonSnapshot().then(
      (snapshot) => {
        this.#kept = snapshot
        return snapshot
      },
      (error: unknown) => {
        if (!this.#closed)
          this.#log.warn({ error }, 'the memory of Python could not be kept; its capsules start slowly')
        return undefined
      },
    )
    return this.#snapshot
  }

  /** The walls, looked for once: what a system allows does not change under a running process. */
  #standing(): Promise<Walls> {
    this.#walls ??= this.#findWalls()
    return this.#walls
  }

  async #findWalls(): Promise<Walls> {
    if (process.platform === 'win32') throw new Failure('SANDBOX_UNAVAILABLE', 'Code is not run on Windows.')
    const found = await findWalls()
    const walls = { ...found, ...this.#options.walls }
    const missing = (['limits', 'namespaces'] as const).filter((name) => !walls[name])
    if (missing.length === 0) {
      this.#log.info({ walls }, 'code runs behind every wall of the sandbox')
      return walls
    }
    const what = `this system does not allow ${missing.join(' and ')} (docs/SANDBOX.md)`
    if (this.#options.allWalls) throw new Failure('SANDBOX_UNAVAILABLE', `SOMA_SANDBOX is strict, and ${what}.`)
    this.#log.warn({ walls }, `code runs behind fewer walls: ${what}`)
    return walls
  }

  /** P3 */
  #place(signal: AbortSignal): Promise<void> {
    if (this.#running < this.atOnce) {
      this.#running += 1
      return Promise.resolve()
    }
    if (this.#waiting.size >= MAX_WAITING) {
      const detail = `${this.#waiting.size} programs wait for a sandbox already; this one did not run.`
      return Promise.reject(new Failure('SANDBOX_BUSY', detail, { retryAfter: BUSY_RETRY_SECONDS }))
    }
    return new Promise((resolve, reject) => {
      const give = () => {
        this.#waiting.delete(enter)
        signal.removeEventListener('abort', give)
        reject(signal.reason)
      }
      const enter = () => {
        this.#waiting.delete(enter)
        signal.removeEventListener('abort', give)
        resolve()
      }
      this.#waiting.add(enter)
      signal.addEventListener('abort', give, { once: true })
    })
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next) next()
    else this.#running -= 1
  }
}
