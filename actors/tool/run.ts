import type { Clock } from '../kernel/clock.ts'
import { isFailure } from '../kernel/failure.ts'
import type { Finding, RunResult } from './behaviour.ts'
import type { Deferred, Tool, ToolContext } from './tool.ts'

const DEFAULT_MAX_OUTPUT = 16_000
const MAX_DETAIL = 2_000

/**
 * Runs one attempt. Resolves in time whatever the tool does: throws at once or later, never ends, ignores its signal
 * (then it is abandoned, and what it still returns is discarded), or returns something that is not text.
 */
export async function runTool(tool: Tool, args: unknown, context: ToolContext, clock: Clock): Promise<RunResult> {
  const ended = await within(tool.timeoutMs, clock, context, (own) => tool.run(args, own))
  switch (ended.kind) {
    case 'timeout':
      return { kind: 'timeout', afterMs: tool.timeoutMs }
    case 'threw':
      return failed(ended.error)
    case 'returned':
      if (isDeferred(ended.value)) return ended.value
      return typeof ended.value === 'string' ? capped(ended.value, tool) : notText(ended.value)
  }
}

/** Asks the tool whether an interrupted attempt took effect. Anything but a clear answer is `unknown`. */
export async function reconcileTool(tool: Tool, args: unknown, context: ToolContext, clock: Clock): Promise<Finding> {
  const { reconcile } = tool
  if (!reconcile) return { kind: 'unknown' }
  const ended = await within(tool.timeoutMs, clock, context, (own) => reconcile.call(tool, args, own))
  const answer: unknown = ended.kind === 'returned' ? ended.value : 'unknown'
  if (answer === 'not-run') return { kind: 'not-run' }
  const output = typeof answer === 'object' && answer !== null && 'output' in answer ? answer.output : undefined
  return typeof output === 'string' ? capped(output, tool) : { kind: 'unknown' }
}

type Ended =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'timeout' }

async function within(
  timeoutMs: number,
  clock: Clock,
  context: ToolContext,
  work: (own: ToolContext) => Promise<unknown>,
): Promise<Ended> {
  const expiry = new AbortController()
  let stopClock = () => {}
  const timeout = new Promise<Ended>((resolve) => {
    stopClock = clock.after(timeoutMs, () => {
      resolve({ kind: 'timeout' })
      expiry.abort(new DOMException(`timed out after ${timeoutMs} ms`, 'TimeoutError'))
    })
  })
  const signal = AbortSignal.any([context.signal, expiry.signal])
  const aborted = new Promise<Ended>((resolve) => {
    const leave = () => resolve({ kind: 'threw', error: context.signal.reason })
    if (context.signal.aborted) leave()
    else context.signal.addEventListener('abort', leave, { once: true })
  })
  const result = (async (): Promise<Ended> => {
    try {
      return { kind: 'returned', value: await work({ ...context, signal }) }
    } catch (error) {
      return { kind: 'threw', error }
    }
  })()
  try {
    return await Promise.race([result, timeout, aborted])
  } finally {
    stopClock()
  }
}

/**
 * Cut before it is told to anyone: the journal, the model and the client all get the same bounded text. The detour by
 * bytes lets go of the flood, which a slice alone would keep alive, and mends a character that the cut went through.
 */
export function capped(
  text: string,
  tool: Pick<Tool, 'maxOutput'>,
): { kind: 'output'; output: string; truncated: boolean } {
  const limit = tool.maxOutput ?? DEFAULT_MAX_OUTPUT
  const truncated = text.length > limit
  const output = compact(text.slice(0, limit))
  if (!truncated) return { kind: 'output', output, truncated }
  return { kind: 'output', output: `${output}\n[cut: the first ${limit} of ${text.length} characters]`, truncated }
}

function isDeferred(value: unknown): value is Deferred {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'deferred'
}

function failed(error: unknown): RunResult {
  if (isFailure(error)) return { kind: 'failed', code: error.code, detail: compact(error.detail.slice(0, MAX_DETAIL)) }
  const detail = error instanceof Error ? error.message || error.name : describeThrown(error)
  return { kind: 'failed', code: 'TOOL_FAILED', detail: compact(`The tool failed: ${detail}`.slice(0, MAX_DETAIL)) }
}

function notText(value: unknown): RunResult {
  const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
  const detail = `The tool ran, but returned ${what} instead of text, so its output is lost. This is a defect of the tool.`
  return { kind: 'failed', code: 'TOOL_FAILED', detail }
}

function describeThrown(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'it threw something that cannot be shown'
  }
}

function compact(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
