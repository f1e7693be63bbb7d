import type { PolicyDecision } from '../kernel/policy.ts'
import type { EndOfRun, ToolState, Underway, Verdict } from './behaviour.ts'
import type { SettledOutcome, ToolOutcome } from './protocol.ts'
import { capped } from './run.ts'
import type { Tool } from './tool.ts'

/**
 * What the model is told of each end. Every text says what happened, whether the tool ran, and what to do next: the
 * model has nothing else to go by.
 */

const MAYBE =
  'It may or may not have taken effect: check before you ask for it again, and tell the user if you cannot check.'

export function notFound(tool: string, names: readonly string[], now: number): ToolOutcome {
  const known = names.length > 0 ? `The tools are: ${names.join(', ')}.` : 'Use one of the tools you were given.'
  return ended('error', 'TOOL_NOT_FOUND', `There is no tool named "${tool.slice(0, 100)}". ${known}`, now)
}

export function badArguments(tool: string, problems: readonly string[], now: number): ToolOutcome {
  const list = problems.map((problem) => `- ${problem.slice(0, 300)}`).join('\n')
  const text = `The arguments do not fit the schema of ${tool}, so it did not run:\n${list}\nCorrect them and call it again.`
  return ended('error', 'TOOL_ARGUMENTS', text, now)
}

export function denied(decision: PolicyDecision, now: number): ToolOutcome {
  const text = `Policy denies this call, so it did not run: ${decision.reason} Do not try it again in other words; go on without it or ask the user.`
  return { ...ended('blocked', 'TOOL_DENIED', text, now), decision }
}

export function notRun(verdict: Exclude<Verdict, { kind: 'decision' }>, now: number): ToolOutcome {
  if (verdict.kind === 'no-slot') {
    const text = `Too many calls of this tool are running: this one waited ${verdict.waitedMs} ms and did not run. Try again later.`
    return ended('timeout', 'TOOL_TIMEOUT', text, now)
  }
  const text = `No policy decision could be had, so nothing ran: ${verdict.detail} Try again later or go on without it.`
  return ended('blocked', 'POLICY_UNAVAILABLE', text, now)
}

export function ofRun(result: EndOfRun, underway: Underway, now: number): ToolOutcome {
  const told = { startedAt: underway.startedAt, decision: underway.decision }
  const after = underway.idempotent ? '' : ` ${MAYBE}`
  switch (result.kind) {
    case 'output': {
      const cut = result.truncated ? { truncated: true } : {}
      return { status: 'success', output: result.output, finishedAt: now, ...told, ...cut }
    }
    case 'failed': {
      // The guard of a tool refused before anything was reached: for the reader that is the same as a denial.
      const status = result.code === 'BLOCKED_ADDRESS' ? 'blocked' : 'error'
      return { ...ended(status, result.code, result.detail, now), ...told }
    }
    case 'timeout': {
      const text = `The tool did not finish within ${result.afterMs} ms and was abandoned.${after}`
      return { ...ended('timeout', 'TOOL_TIMEOUT', text, now), ...told }
    }
  }
}

/** What came as a message; bounded like any output, for who wrote it need not have known the bound. */
export function settled(outcome: SettledOutcome, underway: Underway, tool: Pick<Tool, 'maxOutput'>): ToolOutcome {
  const { startedAt, decision } = underway
  const { output, truncated } = capped(outcome.output, tool)
  return { ...outcome, output, startedAt, decision, ...(truncated && { truncated }) }
}

export function expired(underway: Underway, now: number): ToolOutcome {
  const { startedAt, decision } = underway
  const text = `No outcome came within ${now - startedAt} ms, so the call was given up. ${MAYBE}`
  return { ...ended('timeout', 'TOOL_TIMEOUT', text, now), startedAt, decision }
}

export function cancelled(reason: string, state: ToolState, now: number): ToolOutcome {
  const underway = state.phase === 'running' || state.phase === 'reconciling' ? state : undefined
  if (!underway) return { status: 'cancelled', output: `Cancelled before it ran: ${reason}`, finishedAt: now }
  const after = underway.idempotent ? '' : ` ${MAYBE}`
  const output = `Cancelled while it ran: ${reason}${after}`
  return { status: 'cancelled', output, finishedAt: now, startedAt: underway.startedAt, decision: underway.decision }
}

export function unknown(underway: Underway, now: number): ToolOutcome {
  const text = `The tool was running when its node died, and its result is lost. ${MAYBE}`
  const { startedAt, decision } = underway
  return { ...ended('unknown', 'TOOL_OUTCOME_UNKNOWN', text, now), startedAt, decision }
}

export function givenUp(underway: Underway, now: number): ToolOutcome {
  if (!underway.idempotent) return unknown(underway, now)
  const text = `The node running this tool died ${underway.interruptions + 1} times, so it is not tried again.`
  const { startedAt, decision } = underway
  return { ...ended('error', 'TOOL_FAILED', text, now), startedAt, decision }
}

function ended(status: ToolOutcome['status'], code: string, output: string, finishedAt: number): ToolOutcome {
  return { status, code, output, finishedAt }
}
