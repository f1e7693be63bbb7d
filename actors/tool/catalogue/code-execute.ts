import { z } from 'zod'
import { defineTool, type Tool } from '../tool.ts'
import { languages, type Sandbox, type SandboxLimits } from './code/sandbox.ts'
import { told } from './code/told.ts'

const MAX_CODE = 100_000
const MAX_STDIN = 200_000
/** Beyond the program's own time: starting an interpreter, hearing how it ended. */
const AROUND_MS = 120_000

export type CodeExecuteSchema = ReturnType<typeof schemaFor>

/**
 * Idempotent: a program reaches nothing outside, so a call that a killed node left behind runs again elsewhere. That it
 * may draw other random numbers or read a later clock is no effect; an UNKNOWN outcome would be worse for everybody.
 */
export function codeExecute(sandbox: Sandbox): Tool<CodeExecuteSchema> {
  const { limits, atOnce } = sandbox
  return defineTool({
    name: 'code_execute',
    description: describe(limits),
    schema: schemaFor(limits),
    idempotent: true,
    timeoutMs: limits.timeoutMs + AROUND_MS,
    // As many slots as there are sandboxes. With more of them, whoever had a slot already would stand in a second line
    // before the sandboxes, which knows of no tenants: with 64 slots and 2 sandboxes a flood of one tenant held up the
    // first program of another for 62 of its own.
    concurrency: atOnce,
    reaches: ['nothing'],
    maxOutput: 40_000,
    async run({ language, code, stdin, timeout_seconds }, { signal }) {
      const timeoutMs = timeout_seconds === undefined ? limits.timeoutMs : timeout_seconds * 1_000
      return told(await sandbox.run({ language, code, stdin, timeoutMs }, signal), limits)
    },
  })
}

function schemaFor(limits: SandboxLimits) {
  const most = Math.floor(limits.timeoutMs / 1_000)
  return z.object({
    language: z.enum(languages).describe('The language of the code.'),
    code: z.string().min(1).max(MAX_CODE).describe('A whole program. The value of its last expression is returned.'),
    stdin: z.string().max(MAX_STDIN).default('').describe('What the program reads as its standard input.'),
    timeout_seconds: z.int().min(1).max(most).optional().describe(`Longest run; ${most} when left out.`),
  })
}

function describe({ cpuSeconds, memoryMb, outputBytes }: SandboxLimits): string {
  return (
    'Runs a program in JavaScript (ES2023, no Node modules; console.log, await, setTimeout, `stdin` as a string) or ' +
    'Python (CPython 3 with its standard library; no pip, no threads) and returns what it prints and the value of its ' +
    'last expression. Use it to calculate, to check, to transform text. It reaches nothing: no network, no files of ' +
    'the host, no processes; nothing is kept for the next run. ' +
    `Limits: ${cpuSeconds} s of processor time, ${memoryMb} MB of memory, ${outputBytes / 1_000} kB of output.`
  )
}
