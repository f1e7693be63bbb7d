import type { CommandMeta } from '../kernel/behaviour.ts'
import type { ToolDecision, Underway } from './behaviour.ts'
import type { Failed } from './results.ts'
import type { Tool } from './tool.ts'

/**
 * Another attempt after a failure that says of itself that it is transient (T7 of behaviour.ts). The pause doubles each time; it
 * is spent without a slot, survives a crash, and a Cancel ends it.
 */
const MAX_PAUSE_MS = 60_000

/** Undefined: it is not tried again. */
export function onFailed(
  state: Underway,
  result: Failed,
  tool: Tool | undefined,
  meta: CommandMeta,
): ToolDecision | undefined {
  const { transient, code, detail } = result
  if (transient === undefined || tool?.retry === undefined) return undefined
  const failures = (state.failures ?? 0) + 1
  if (failures >= tool.retry.attempts) return undefined
  if (!state.idempotent && transient !== 'not-run') return undefined // T2
  const retryAt = meta.now + Math.min(tool.retry.backoffMs * 2 ** (failures - 1), MAX_PAUSE_MS)
  const { attempt } = state
  return {
    events: [{ kind: 'InvocationFailed', attempt, code, detail, retryAt }],
    effects: [{ kind: 'Retry', attempt, at: retryAt }],
  }
}
