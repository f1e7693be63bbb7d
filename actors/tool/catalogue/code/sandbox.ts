/**
 * Where code of a model runs, as the tool sees it. How it is walled in is the business of infra/sandbox/; what holds for
 * every implementation:
 *   S1. A program reaches nothing outside: no files, network, processes, environment, and no other program's leavings.
 *   S2. Every run ends within its limits and is told as a `ProgramRun`, whatever the program does. The caller's event
 *       loop goes on meanwhile.
 *   S3. A run has no effect but its result, so running it twice is the same as once.
 */
export const languages = ['javascript', 'python'] as const
export type Language = (typeof languages)[number]

export interface Program {
  readonly language: Language
  readonly code: string
  readonly stdin: string
  /** By the clock on the wall, from the moment the program starts. At most `SandboxLimits.timeoutMs`. */
  readonly timeoutMs: number
}

export interface SandboxLimits {
  /** Longest run by the clock on the wall. */
  readonly timeoutMs: number
  readonly cpuSeconds: number
  readonly memoryMb: number
  /** stdout and stderr together; a program that writes more is ended. */
  readonly outputBytes: number
}

/**
 * finished: ran to its end. failed: ended by its own error, or an exit code other than 0. time, cpu, memory, output: ended
 * at that limit. closed: it reached for something that the sandbox keeps shut, and could not be told so within the
 * language. crashed: the interpreter itself gave up, from too deep a recursion for instance.
 */
export type ProgramEnd = 'finished' | 'failed' | 'time' | 'cpu' | 'memory' | 'output' | 'closed' | 'crashed'

export interface ProgramRun {
  readonly end: ProgramEnd
  readonly stdout: string
  readonly stderr: string
  /** The last expression as the language shows it (repr); undefined when it has none. */
  readonly value?: string
  /** More of the end, in words: which exit code, which closed door. */
  readonly detail?: string
  readonly wallMs: number
}

export interface Sandbox {
  readonly limits: SandboxLimits
  /** Programs that run at once. Who is let in, and in which order, is for the tool's slots to decide. */
  readonly atOnce: number
  /**
   * Runs one program. Throws SANDBOX_BUSY when too many wait already, SANDBOX_UNAVAILABLE when no sandbox can be had here,
   * and the signal's reason when that aborts; the program is gone then.
   */
  run(program: Program, signal: AbortSignal): Promise<ProgramRun>
}
