import { assertNever } from '../../../kernel/behaviour.ts'
import type { ProgramRun, SandboxLimits } from './sandbox.ts'

/** Of each part, in characters; the rest is cut from its middle, since a traceback says what happened at its end. */
const MAX_VALUE = 8_000
const MAX_STDOUT = 16_000
const MAX_STDERR = 6_000

/**
 * What the model reads. The first line is ours and no program can write before it, so a program that prints "finished"
 * deceives nobody.
 */
export function told(run: ProgramRun, limits: SandboxLimits): string {
  const parts = [verdict(run, limits)]
  if (run.value !== undefined) parts.push(`value: ${cut(run.value, MAX_VALUE)}`)
  if (run.stdout !== '') parts.push(`stdout:\n${cut(run.stdout, MAX_STDOUT)}`)
  if (run.stderr !== '') parts.push(`stderr:\n${cut(run.stderr, MAX_STDERR)}`)
  if (parts.length === 1) parts.push('It printed nothing and its last statement has no value.')
  return parts.join('\n')
}

function verdict({ end, detail, wallMs }: ProgramRun, limits: SandboxLimits): string {
  const ran = `${wallMs} ms`
  const more = detail === undefined ? '' : ` ${detail}`
  switch (end) {
    case 'finished':
      return `finished in ${ran}.`
    case 'failed':
      return `failed after ${ran}.${more}`
    case 'time':
      return `ended after ${ran}: out of time. Ask for less, or for more with timeout_seconds (at most ${limits.timeoutMs / 1_000}).`
    case 'cpu':
      return `ended after ${ran}: it used up its ${limits.cpuSeconds} s of processor time. Ask for less at once.`
    case 'memory':
      return `ended after ${ran}: it needed more than ${limits.memoryMb} MB of memory. Work on less data at once.`
    case 'output':
      return `ended after ${ran}: it wrote more than ${limits.outputBytes / 1_000} kB. Print less.`
    case 'closed':
      return `ended after ${ran}: it reached for something that the sandbox keeps shut.${more} Do not try it again.`
    case 'crashed':
      return `ended after ${ran}: the interpreter gave up.${more}`
    default:
      return assertNever(end)
  }
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text.trimEnd()
  const half = limit / 2
  const left = text.length - limit
  return `${text.slice(0, half)}\n[… ${left} characters cut …]\n${text.slice(-half).trimEnd()}`
}
