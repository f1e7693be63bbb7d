import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Program, ProgramEnd, ProgramRun, SandboxLimits } from '../../actors/tool/catalogue/code/sandbox.ts'
import { enclosed, enclosureEnvironment, type Walls } from './enclosure.ts'
import { type Ended, type Frame, FrameReader, type Ready } from './frames.ts'
import { nodeArguments } from './node-arguments.ts'
import { givenUp, processorMs, type StartLimits } from './start-limits.ts'

/**
 * One process with one interpreter, for one program, once.
 *   C1. Whatever it writes is bounded: beyond its limit it is killed, and nobody waits for it to stop by itself.
 *   C2. When `ended` resolves, the whole group is dead: no task of a program outlives its capsule.
 *   C3. It dies with the node: its shell hears descriptor 3 close, its main thread stdin.
 *
 *   starting ──R──▶ sealing ──"sealed"──▶ ready ──run()──▶ running ──X, limit, exit──▶ ended
 *      └─ exit, StartLimits ───┴───▶ ended (SANDBOX_UNAVAILABLE)
 */
export interface CapsuleParts {
  readonly walls: Walls
  readonly limits: SandboxLimits
  /** From the spawn to `ready`. */
  readonly start: StartLimits
  readonly program: string
  /** Open for reading: the memory that its interpreter starts from. */
  readonly snapshot?: number | undefined
}

/** Of the interpreter's own, above what a program may use: its compiled code, its frames. */
const OVERHEAD_BYTES = 128 * 1_048_576
/** A program that is asked to end at its time limit says so itself; one that cannot is killed this much later. */
const GRACE_MS = 300
/** 3 and 4 are those of the enclosure's shell. */
const SNAPSHOT_DESCRIPTOR = 5
const MAX_NOISE = 8_000
/** Exit codes of a shell for a process that a signal ended. */
const SIGXCPU = 128 + 24
const SIGKILL = 128 + 9

export class Capsule {
  /** Resolves when it takes a program; rejects with SANDBOX_UNAVAILABLE. */
  readonly ready: Promise<void>
  readonly ended: Promise<void>
  readonly #parts: CapsuleParts
  readonly #child: ChildProcess
  readonly #control: Duplex
  readonly #frames = new FrameReader()
  #noise = ''
  /** From the shell: the exit code of the interpreter's process. */
  #exitCode: number | undefined
  #over = false
  #onFrame: (frame: Frame) => void = () => {}
  #onSealed: () => void = () => {}
  /** It spoke what is no frame. */
  #garbled = false

  constructor(language: Program['language'], parts: CapsuleParts) {
    this.#parts = parts
    const { snapshot, limits } = parts
    const own = [language, String(limits.memoryMb), ...(snapshot === undefined ? [] : [String(SNAPSHOT_DESCRIPTOR)])]
    const { command, args } = enclosed(parts.walls, nodeArguments(parts.program, own, limits.memoryMb))
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'ignore', ...(snapshot === undefined ? [] : [snapshot])],
      env: enclosureEnvironment,
      cwd: '/',
      detached: true,
    })
    this.#control = this.#child.stdio[3] as Duplex
    this.ended = new Promise<void>((resolve) => {
      this.#child.once('error', () => resolve())
      this.#child.once('close', () => resolve())
    }).then(() => this.kill())
    this.#listen()
    this.ready = this.#start()
    // Whoever takes it hears why; a spare that nobody takes must not end the node.
    this.ready.catch(() => {})
  }

  get isOver(): boolean {
    return this.#over
  }

  /** What the process itself said, such as V8's last words: for operators, never for a model. */
  get noise(): string {
    return this.#noise
  }

  /** C2. The group holds the shell, whatever unshare made, and the interpreter. */
  kill(): void {
    this.#over = true
    this.#control.destroy()
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }

  async run(program: Program): Promise<ProgramRun> {
    const from = performance.now()
    const output = new Outputs(this.#parts.limits.outputBytes)
    const verdict = await this.#verdict(program, output)
    this.kill()
    const wallMs = Math.round(performance.now() - from)
    return { ...verdict, stdout: output.text('stdout'), stderr: output.text('stderr'), wallMs }
  }

  #verdict(program: Program, output: Outputs): Promise<Ended | { end: ProgramEnd; detail?: string }> {
    return new Promise((resolve) => {
      const late = setTimeout(() => end({ end: 'time' }), program.timeoutMs + GRACE_MS)
      const end = (how: Ended | { end: ProgramEnd; detail?: string }) => {
        clearTimeout(late)
        this.#onFrame = () => {}
        resolve(how)
      }
      this.#onFrame = ({ kind, payload }) => {
        if (kind === 'X') end(endedOf(payload))
        else if (kind !== 'R' && !output.take(kind === 'E' ? 'stderr' : 'stdout', payload)) end({ end: 'output' }) // C1
      }
      void this.ended.then(() => end(this.#unsaid()))
      const { code, stdin, timeoutMs } = program
      const body = Buffer.from(JSON.stringify({ code, stdin, timeoutMs }), 'utf8')
      const header = Buffer.alloc(4)
      header.writeUInt32LE(body.length)
      ;(this.#child.stdin as Writable).write(Buffer.concat([header, body]))
    })
  }

  /** It ended without a word: by a limit of the system, or because something gave way. */
  #unsaid(): { end: ProgramEnd; detail?: string } {
    if (this.#exitCode === SIGXCPU) return { end: 'cpu' }
    if (this.#garbled) return { end: 'crashed', detail: 'It spoke to its keeper in a language of its own.' }
    if (/out of memory|heap limit|allocation failed|bad_alloc/i.test(this.#noise)) return { end: 'memory' }
    // With its address space used up the kernel may leave V8 no breath for last words, or take the process itself.
    if (this.#exitCode === SIGKILL) return { end: 'memory' }
    const code = this.#exitCode === undefined ? '' : ` Exit code ${this.#exitCode}.`
    return { end: 'crashed', detail: `Its process ended.${code}` }
  }

  #listen(): void {
    const { stdin, stdout, stderr } = this.#child
    for (const stream of [stdin, stdout, stderr, this.#control]) stream?.on('error', () => {})
    ;(stdout as Readable).on('data', (chunk: Buffer) => this.#heard(chunk))
    ;(stderr as Readable).on('data', (chunk: Buffer) => {
      if (this.#noise.length < MAX_NOISE) this.#noise += chunk.toString('latin1')
    })
    // The interpreter's process is gone, sealed or not; the shell may wait for us.
    ;(stdout as Readable).once('end', () => setImmediate(() => this.#control.end()))
    this.#control.on('data', (chunk: Buffer) => {
      const said = chunk.toString('latin1')
      if (said.includes('sealed')) this.#onSealed()
      const code = /exit (\d+)/.exec(said)?.[1]
      if (code !== undefined) this.#exitCode = Number(code)
    })
  }

  #heard(chunk: Buffer): void {
    if (this.#over) return
    try {
      for (const frame of this.#frames.read(chunk)) this.#onFrame(frame)
    } catch {
      this.#garbled = true
      this.kill()
    }
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        stopLooking()
        this.kill()
        reject(new Failure('SANDBOX_UNAVAILABLE', `No interpreter could be started: ${why}.`))
      }
      const stopLooking = this.#lookWhetherItStarts(fail)
      this.#onFrame = ({ kind, payload }) => {
        if (kind === 'R') this.#control.write(this.#sealFor(payload))
      }
      this.#onSealed = () => {
        stopLooking()
        resolve()
      }
      this.#child.once('error', (error) => fail(error.message))
      void this.ended.then(() =>
        fail(`its process ended${this.#exitCode === undefined ? '' : ` with ${this.#exitCode}`}`),
      )
    })
  }

  #lookWhetherItStarts(fail: (why: string) => void): () => void {
    const { start } = this.#parts
    const from = performance.now()
    let had: number | undefined
    let since = from
    const timer = setInterval(
      () => {
        const now = performance.now()
        const cpuMs = this.#child.pid === undefined ? undefined : processorMs(this.#child.pid)
        if (cpuMs !== had) since = now
        had = cpuMs
        const why = givenUp({ wallMs: now - from, cpuMs, stillMs: now - since }, start)
        if (why !== undefined) fail(why)
      },
      Math.min(start.stillMs / 10, start.wallMs),
    )
    return () => clearInterval(timer)
  }

  /** Processor seconds and bytes of writable memory: those of a program on top of what loading took. */
  #sealFor(payload: Buffer): string {
    const { cpuMs, dataBytes } = JSON.parse(payload.toString('utf8')) as Ready
    const { cpuSeconds, memoryMb } = this.#parts.limits
    const data = dataBytes === 0 ? 'unlimited' : dataBytes + memoryMb * 1_048_576 + OVERHEAD_BYTES
    const cpu = Math.ceil(cpuMs / 1_000) + cpuSeconds
    return `${cpu}:${cpu + 1} ${data}\n`
  }
}

const ends = new Set<string>(['finished', 'failed', 'time', 'memory', 'closed', 'crashed'])

/** From inside, so it may be anything: text of bounded length is all that is taken from it. */
function endedOf(payload: Buffer): Ended {
  try {
    const { end, value, detail } = JSON.parse(payload.toString('utf8')) as Record<string, unknown>
    if (typeof end === 'string' && ends.has(end)) {
      return {
        end: end as Ended['end'],
        ...(typeof value === 'string' && { value }),
        ...(typeof detail === 'string' && { detail }),
      }
    }
  } catch {
    // As below.
  }
  return { end: 'crashed', detail: 'It said nothing that makes sense of how it ended.' }
}

/**
 * What a program wrote, at most `limit` bytes of both together. A frame counts for one byte at least: who broke out could
 * send empty ones for as long as it may run. Kept in one piece each, as 200,000 writes of one byte were 40 MB in parts.
 */
class Outputs {
  readonly #limit: number
  readonly #kept = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  readonly #length = { stdout: 0, stderr: 0 }
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Keeps what fits; false when it was too much. */
  take(where: 'stdout' | 'stderr', bytes: Buffer): boolean {
    const fits = bytes.subarray(0, Math.max(0, this.#limit - this.#size))
    const length = this.#length[where] + fits.length
    if (length > this.#kept[where].length) {
      const roomier = Buffer.alloc(Math.min(this.#limit, 2 * length))
      this.#kept[where].copy(roomier)
      this.#kept[where] = roomier
    }
    fits.copy(this.#kept[where], this.#length[where])
    this.#length[where] = length
    this.#size += Math.max(1, bytes.length)
    return this.#size <= this.#limit
  }

  text(where: 'stdout' | 'stderr'): string {
    return this.#kept[where].toString('utf8', 0, this.#length[where])
  }
}
