import type { StoredEvent } from '../../persistence/journal.ts'
import type { ToolProgress } from '../../transports/outbound.ts'
import { assertNever } from '../kernel/behaviour.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JournaledKind, Scope } from '../kernel/journaled-kind.ts'
import type { Policy } from '../kernel/policy.ts'
import type { ToolStanding } from '../kernel/tool-standing.ts'
import { Admission, verdictOf } from './admission.ts'
import { validateArguments } from './arguments.ts'
import { type Artifacts, keepIn } from './artifacts.ts'
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
import { ProgressTold } from './progress.ts'
import type { ToolCommand, ToolOutcome } from './protocol.ts'
import { reconcileTool, runTool } from './run.ts'
import type { LineLimits } from './slots.ts'
import type { ToolCatalogue, ToolContext } from './tool.ts'
import { silentToolMetrics, type ToolMetrics } from './tool-metrics.ts'
import { allOn, type ToolSwitchboard } from './tool-switches.ts'
import { Work } from './work.ts'

export interface ToolActorParts {
  readonly catalogue: ToolCatalogue
  readonly clock: Clock
  readonly policy: Policy
  readonly metrics?: ToolMetrics
  /** Calls of one tool at once in this process (TOOL_EXECUTOR_MAX_CONCURRENT). */
  readonly maxConcurrent?: number
  /** Calls of one tool that may wait, and of one tenant's (TOOL_EXECUTOR_MAX_WAITING, …_PER_TENANT). */
  readonly maxWaiting?: LineLimits
  readonly switches?: ToolSwitchboard
  /** Live, to whoever follows the session. */
  readonly progress?: (progress: ToolProgress) => void
  readonly artifacts?: Artifacts | undefined
  readonly maxArtifactBytes?: number
  /** How long policy may take before it counts as unavailable. */
  readonly policyTimeoutMs?: number
}

type Command = ToolCommand | OwnCommand
type ToolScope = Scope<ToolState, Command>

const MAX_CONCURRENT = 64
const MAX_WAITING: LineLimits = { perTool: 1_000, perTenant: 200 }
const MAX_ARTIFACT_BYTES = 10_000_000
const POLICY_TIMEOUT_MS = 5_000
/** Invoke, Cancel and their redeliveries: nobody has more to say to one call. */
const CAPACITY = 16

export interface ToolKind extends JournaledKind<ToolState, Command, ToolEvent, ToolEffect> {
  /** Of every tool here, as this tenant meets it. */
  standings(tenant: string): readonly ToolStanding[]
}

/**
 * One invocation, one journaled actor at `tool:<callId>`. Policy and the tool work beside the mailbox, so that a Cancel
 * is heard at once; how they end comes back as a message. The ids of those messages name the attempt, so that the same
 * result told twice is one (I3).
 */
export function toolKind(parts: ToolActorParts): ToolKind {
  const { catalogue, policy, clock, metrics = silentToolMetrics, switches = allOn, progress = () => {} } = parts
  const { maxConcurrent = MAX_CONCURRENT, policyTimeoutMs = POLICY_TIMEOUT_MS } = parts
  const { maxWaiting = MAX_WAITING, maxArtifactBytes = MAX_ARTIFACT_BYTES } = parts
  const admission = new Admission({ concurrency: maxConcurrent, waiting: maxWaiting, switches, metrics }, () =>
    clock.now(),
  )
  const works = new WeakMap<ToolScope, Work>()

  function workOf(scope: ToolScope): Work {
    const work = works.get(scope) ?? new Work(scope.context.signal)
    works.set(scope, work)
    return work
  }

  /** The slot comes before the decision, so that a decision is fresh when the tool starts. */
  async function seekDecision(invocation: Invocation, scope: ToolScope): Promise<void> {
    const work = workOf(scope)
    const { tool, args } = prepared(invocation)
    // A tool that is gone needs no slot: the behaviour answers for it.
    const admitted = tool ? await admission.admit(tool, invocation, work, clock, false) : 'admitted'
    if (work.signal.aborted) return
    if (admitted !== 'admitted') {
      scope.tellSelf({ kind: 'Decided', verdict: admitted }, `${scope.address}/decided`)
      return
    }
    const verdict = await authorize(policy, invocation, args, policyTimeoutMs, clock, work.signal)
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
    const work = workOf(scope)
    const result = await resultOf(invocation, scope, span.trace.traceparent)
    work.release(verdictOf(result, work.signal.aborted))
    const ended = result.kind === 'output' || result.kind === 'deferred'
    span.end(ended ? undefined : result.kind === 'failed' ? result.code : result.kind.toUpperCase())
    scope.tellSelf({ kind: 'Ran', attempt, result }, `${scope.address}/ran/${attempt}`, span.trace)
  }

  async function resultOf(
    invocation: Invocation,
    scope: ToolScope,
    traceparent: string | undefined,
  ): Promise<RunResult> {
    const { tool, args, problem } = prepared(invocation)
    if (!tool || problem) return problem
    // Admitted already, unless this activation took over from another, or this is another attempt.
    const admitted = await admission.admit(tool, invocation, workOf(scope), clock, true)
    if (admitted !== 'admitted') return admitted
    const told = new ProgressTold(invocation, progress, clock)
    const context = { ...contextOf(invocation, scope, told), ...(traceparent !== undefined && { traceparent }) }
    const startedAt = clock.now()
    metrics.inflight(tool.name, 1)
    const keep = keepIn(parts.artifacts, maxArtifactBytes, invocation, scope.context.log)
    const result = await runTool(tool, args, context, clock, keep)
    told.end()
    metrics.inflight(tool.name, -1)
    metrics.ran(tool.name, (clock.now() - startedAt) / 1_000)
    return result
  }

  async function reconcile(invocation: Invocation, attempt: number, scope: ToolScope): Promise<void> {
    const { tool, args, problem } = prepared(invocation)
    const finding: Finding =
      !tool || problem
        ? { kind: 'unknown' }
        : await reconcileTool(tool, args, contextOf(invocation, scope, silent), clock)
    scope.tellSelf({ kind: 'Reconciled', attempt, finding }, `${scope.address}/reconciled/${scope.seq()}`)
  }

  /** The timer is the activation's; the time is the journal's, and arms the next activation's. */
  function tellAt(time: number, kind: 'Expired' | 'RetryDue', attempt: number, scope: ToolScope): void {
    const stopClock = clock.after(Math.max(0, time - clock.now()), () =>
      scope.tellSelf({ kind, attempt }, `${scope.address}/${kind === 'Expired' ? 'expired' : 'retry'}/${attempt}`),
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

  function contextOf(invocation: Invocation, scope: ToolScope, told: Pick<ProgressTold, 'tell'>): ToolContext {
    const { callId, tenant, sessionId, personaId, lineage } = invocation
    const means = { signal: workOf(scope).signal, now: () => clock.now(), progress: told.tell }
    return { callId, tenant, sessionId, personaId, ...(lineage && { lineage }), ...means }
  }

  function audit(scope: ToolScope, { kind, data }: StoredEvent): void {
    const { log } = scope.context
    const call = scope.address
    const tool = nameOf(scope.state())
    if (kind === 'InvocationAuthorized') log.info({ ...(data as object), call, tool }, 'tool.execute.decision')
    if (kind === 'InvocationStarted') log.info({ ...(data as object), call, tool }, 'tool.execute.start')
    if (kind === 'InvocationFailed') {
      metrics.retried(tool)
      log.info({ ...(data as object), call, tool }, 'tool.execute.retry')
    }
    if (kind !== 'InvocationFinished') return
    const { status, code, decision } = (data as { outcome: ToolOutcome }).outcome
    metrics.finished(tool, status)
    if (code === 'TOOL_DENIED') metrics.requeued(tool, 'denied')
    log.info({ call, tool, status, code, decision }, 'tool.execute.finish')
  }

  /** An unknown name comes from a model and has no bound: it is no label. */
  function nameOf(state: ToolState): string {
    const name = state.phase === 'new' ? '' : state.phase === 'finished' ? state.tool : state.invocation.tool
    return catalogue.get(name)?.name ?? 'unknown'
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
          tellAt(effect.deadline, 'Expired', effect.attempt, scope)
          break
        case 'Retry':
          tellAt(effect.at, 'RetryDue', effect.attempt, scope)
          break
        case 'Abandon':
          workOf(scope).abandon()
          break
        default:
          assertNever(effect)
      }
    },
    standings: (tenant) => catalogue.list().map(({ name }) => admission.standing(name, tenant)),
    announce(scope, stored) {
      for (const event of stored) audit(scope, event)
    },
  }
}

const silent: Pick<ProgressTold, 'tell'> = { tell() {} }

function failed(code: string, detail: string): RunResult {
  return { kind: 'failed', code, detail }
}
