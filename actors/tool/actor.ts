import type { StoredEvent } from '../../persistence/journal.ts'
import { assertNever } from '../kernel/behaviour.ts'
import type { JournaledKind, Scope } from '../kernel/journaled-kind.ts'
import type { Policy } from '../kernel/policy.ts'
import { validateArguments } from './arguments.ts'
import { authorize } from './authorize.ts'
import {
  type Finding,
  type OwnCommand,
  type RunResult,
  type ToolEffect,
  type ToolState,
  toolBehaviour,
} from './behaviour.ts'
import { type Invocation, type ToolEvent, toolEventCodec } from './events.ts'
import { parseToolCommand } from './parse.ts'
import type { ToolCommand, ToolOutcome } from './protocol.ts'
import { reconcileTool, runTool } from './run.ts'
import { Slots } from './slots.ts'
import type { ToolCatalogue, ToolContext } from './tool.ts'
import { silentToolMetrics, type ToolMetrics } from './tool-metrics.ts'
import { Work } from './work.ts'

export interface ToolActorParts {
  readonly catalogue: ToolCatalogue
  readonly policy: Policy
  readonly metrics?: ToolMetrics
  /** Calls of one tool at once in this process (TOOL_EXECUTOR_MAX_CONCURRENT). */
  readonly maxConcurrent?: number
  /** How long policy may take before it counts as unavailable. */
  readonly policyTimeoutMs?: number
}

type Command = ToolCommand | OwnCommand
type ToolScope = Scope<ToolState, Command>

const MAX_CONCURRENT = 64
const POLICY_TIMEOUT_MS = 5_000
/** Invoke, Cancel and their redeliveries: nobody has more to say to one call. */
const CAPACITY = 16

/**
 * One invocation, one journaled actor at `tool:<callId>`. Policy and the tool work beside the mailbox, so that a Cancel
 * is heard at once; how they end comes back as a message. The ids of those messages name the attempt, so that the same
 * result told twice is one (I3).
 */
export function toolKind(parts: ToolActorParts): JournaledKind<ToolState, Command, ToolEvent, ToolEffect> {
  const { catalogue, policy, metrics = silentToolMetrics } = parts
  const { maxConcurrent = MAX_CONCURRENT, policyTimeoutMs = POLICY_TIMEOUT_MS } = parts
  const slots = new Slots(maxConcurrent)
  const works = new WeakMap<ToolScope, Work>()

  function workOf(scope: ToolScope): Work {
    const work = works.get(scope) ?? new Work(scope.context.signal)
    works.set(scope, work)
    return work
  }

  /** The slot comes before the decision, so that a decision is fresh when the tool starts. */
  async function seekDecision(invocation: Invocation, scope: ToolScope): Promise<void> {
    const work = workOf(scope)
    const { clock } = scope.context
    const { tool, args } = prepared(invocation)
    const waitMs = tool?.timeoutMs ?? policyTimeoutMs
    const slot = await work.hold(slots, invocation.tool, waitMs, clock)
    if (work.signal.aborted) return
    const verdict =
      slot === 'none'
        ? ({ kind: 'no-slot', waitedMs: waitMs } as const)
        : await authorize(policy, invocation, args, policyTimeoutMs, clock, work.signal)
    const allowed = verdict.kind === 'decision' && verdict.decision.allow
    if (!allowed) work.release()
    metrics.decided(invocation.tool, allowed ? 'allow' : verdict.kind === 'decision' ? 'deny' : 'unavailable')
    scope.tellSelf({ kind: 'Decided', verdict }, `${scope.address}/decided`)
  }

  async function run(invocation: Invocation, attempt: number, scope: ToolScope): Promise<void> {
    const span = scope.startSpan('tool.run', {
      // An unknown name comes from a model: it may be anything.
      'soma.tool': catalogue.get(invocation.tool)?.name ?? 'unknown',
      'soma.attempt': attempt,
    })
    const result = await resultOf(invocation, scope, span.trace.traceparent)
    workOf(scope).release()
    const ended = result.kind === 'output' || result.kind === 'deferred'
    span.end(ended ? undefined : result.kind === 'failed' ? result.code : 'TIMEOUT')
    scope.tellSelf({ kind: 'Ran', attempt, result }, `${scope.address}/ran/${attempt}`, span.trace)
  }

  async function resultOf(
    invocation: Invocation,
    scope: ToolScope,
    traceparent: string | undefined,
  ): Promise<RunResult> {
    const work = workOf(scope)
    const { clock } = scope.context
    const { tool, args, problem } = prepared(invocation)
    if (!tool || problem) return problem
    // Held already, unless this activation took over from another.
    const slot = await work.hold(slots, tool.name, tool.timeoutMs, clock)
    if (slot === 'none') return { kind: 'timeout', afterMs: tool.timeoutMs }
    const startedAt = clock.now()
    const context = { ...contextOf(invocation, scope), ...(traceparent !== undefined && { traceparent }) }
    metrics.inflight(tool.name, 1)
    const result = await runTool(tool, args, context, clock)
    metrics.inflight(tool.name, -1)
    metrics.ran(tool.name, (clock.now() - startedAt) / 1_000)
    return result
  }

  async function reconcile(invocation: Invocation, attempt: number, scope: ToolScope): Promise<void> {
    const { tool, args, problem } = prepared(invocation)
    const finding: Finding =
      !tool || problem
        ? { kind: 'unknown' }
        : await reconcileTool(tool, args, contextOf(invocation, scope), scope.context.clock)
    scope.tellSelf({ kind: 'Reconciled', attempt, finding }, `${scope.address}/reconciled/${scope.seq()}`)
  }

  /** The timer is the activation's; the deadline is the journal's, and arms the next activation's. */
  function expire(attempt: number, deadline: number, scope: ToolScope): void {
    const { clock } = scope.context
    const stopClock = clock.after(Math.max(0, deadline - clock.now()), () =>
      scope.tellSelf({ kind: 'Expired', attempt }, `${scope.address}/expired/${attempt}`),
    )
    workOf(scope).signal.addEventListener('abort', stopClock, { once: true })
  }

  /** A problem here means that the process restarted with other tools: before policy, the behaviour checked the same. */
  function prepared(invocation: Invocation) {
    const tool = catalogue.get(invocation.tool)
    if (!tool) return { problem: failed('TOOL_NOT_FOUND', `The tool ${invocation.tool} is gone since the call.`) }
    const checked = validateArguments(tool, invocation.args)
    if (!checked.ok) return { problem: failed('TOOL_ARGUMENTS', `The schema of ${tool.name} changed since the call.`) }
    return { tool, args: checked.args }
  }

  function contextOf(invocation: Invocation, scope: ToolScope): ToolContext {
    const { callId, tenant, sessionId, personaId } = invocation
    const { clock } = scope.context
    return { callId, tenant, sessionId, personaId, signal: workOf(scope).signal, now: () => clock.now() }
  }

  function audit(scope: ToolScope, { kind, data }: StoredEvent): void {
    const { log } = scope.context
    if (kind === 'InvocationStarted') log.info({ ...(data as object), call: scope.address }, 'tool.execute.start')
    if (kind !== 'InvocationFinished') return
    const state = scope.state()
    const { status, code, decision } = (data as { outcome: ToolOutcome }).outcome
    const tool = state.phase === 'finished' ? state.tool : ''
    // An unknown name comes from a model and has no bound: it is no label.
    metrics.finished(catalogue.get(tool) ? tool : 'unknown', status)
    log.info({ call: scope.address, tool, status, code, decision: decision?.id }, 'tool.execute.finish')
  }

  return {
    type: 'tool',
    capacity: CAPACITY,
    behaviour: toolBehaviour(catalogue),
    codec: toolEventCodec,
    parse: parseToolCommand,
    recovered: () => ({ kind: 'Recovered' }),
    perform(effect, scope) {
      switch (effect.kind) {
        case 'Authorize':
          void seekDecision(effect.invocation, scope)
          break
        case 'Run':
          void run(effect.invocation, effect.attempt, scope)
          break
        case 'Reconcile':
          void reconcile(effect.invocation, effect.attempt, scope)
          break
        case 'Await':
          expire(effect.attempt, effect.deadline, scope)
          break
        case 'Abandon':
          workOf(scope).abandon()
          break
        default:
          assertNever(effect)
      }
    },
    announce(scope, stored) {
      for (const event of stored) audit(scope, event)
    },
  }
}

function failed(code: string, detail: string): RunResult {
  return { kind: 'failed', code, detail }
}
