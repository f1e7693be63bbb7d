import type { Attachments } from '../../persistence/attachments.ts'
import type { DryRunCall, DryRunEnd, DryRunLimits } from '../../transports/gateway/dry-runs.ts'
import type { Clock } from '../kernel/clock.ts'
import { asFailure, Failure } from '../kernel/failure.ts'
import type { Policy } from '../kernel/policy.ts'
import { Answer } from '../model-call.ts'
import { validateArguments } from '../tool/arguments.ts'
import { authorize } from '../tool/authorize.ts'
import { badArguments, denied, notFound, notRun } from '../tool/outcomes.ts'
import type { ToolOutcome } from '../tool/protocol.ts'
import { sessionBehaviour } from './behaviour.ts'
import type { Command } from './commands.ts'
import { checkDayBudget, type DayBudgetParts } from './day-budget.ts'
import { runningCalls } from './draft.ts'
import { type ModelRequestParts, prepareModelCall } from './model-request.ts'
import { type NumberedEvent, questionOf, type RecordedOutcomes } from './recorded-outcomes.ts'
import { showAttachments } from './shown-attachments.ts'
import type { SessionState, TurnCall } from './state.ts'
import { parseToolArguments } from './tool-arguments.ts'

export interface ForkParts extends ModelRequestParts, DayBudgetParts {
  readonly attachments: Pick<Attachments, 'get' | 'read'>
  readonly policy: Policy
  readonly clock: Clock
}

export interface ForkPoint {
  readonly sessionId: string
  readonly state: SessionState
  readonly seq: number
  /** When its last event happened: the fork's time begins there, so that deadlines and the prompt's date are as then. */
  readonly at: number
}

const POLICY_TIMEOUT_MS = 5_000
const CHARACTERS_PER_TOKEN = 4

/**
 * A session that happens in memory alone: the real behaviour decides, this loop does what an activation would, and
 * answers for the tools. What is to be done next is read from the state, never from effects or the outbox, which are
 * let go: so nothing can leave (R1 of transports/gateway/dry-runs.ts).
 */
export class ForkedSession {
  readonly events: NumberedEvent[] = []
  /** Where each call's outcome is from, by call id. */
  readonly origins = new Map<string, DryRunCall['from']>()
  state: SessionState
  readonly #parts: ForkParts
  readonly #from: ForkPoint
  readonly #recorded: RecordedOutcomes
  readonly #behaviour
  readonly #begun: number
  #told = 0
  #modelCalls = 0
  #overspent = false

  constructor(from: ForkPoint, recorded: RecordedOutcomes, parts: ForkParts) {
    this.state = from.state
    this.#from = from
    this.#recorded = recorded
    this.#parts = parts
    this.#behaviour = sessionBehaviour(parts, from.sessionId)
    this.#begun = parts.clock.now()
  }

  tell(command: Command): void {
    const now = this.#now()
    const nextSeq = this.#from.seq + this.events.length + 1
    const { tenant } = this.state
    const envelopeId = `dry-run/${++this.#told}`
    const { events } = this.#behaviour.decide(this.state, command, {
      now,
      envelopeId,
      tenant,
      from: 'dry-run',
      nextSeq,
    })
    events.forEach((event, index) => {
      this.events.push({ seq: nextSeq + index, at: now, event })
      this.state = this.#behaviour.evolve(this.state, event)
    })
  }

  /** Until nothing runs or waits any more, or a limit cuts it off. */
  async run(limits: DryRunLimits, signal: AbortSignal): Promise<DryRunEnd> {
    const expiry = new AbortController()
    const stopClock = this.#parts.clock.after(limits.seconds * 1_000, () => expiry.abort())
    const either = AbortSignal.any([signal, expiry.signal])
    try {
      for (;;) {
        const { turn, paused } = this.state
        if (signal.aborted) return 'cancelled'
        if (expiry.signal.aborted) return 'seconds'
        if (paused) return 'paused'
        if (!turn) return this.events.some(({ event }) => event.kind === 'TurnFinished') ? 'final' : 'idle'
        const [call] = runningCalls(turn)
        if (turn.phase === 'tools' && call) await this.#answer(call, either)
        else if (this.#modelCalls >= limits.steps) return 'steps'
        else if (this.#overspent || this.#tokens() >= limits.tokens) return 'tokens'
        else await this.#callModel(limits, either)
      }
    } finally {
      stopClock()
    }
  }

  #now(): number {
    return this.#from.at + this.#parts.clock.now() - this.#begun
  }

  #tokens(): number {
    const used = ({ promptTokens, completionTokens }: SessionState['usage']) => promptTokens + completionTokens
    return used(this.state.usage) - used(this.#from.state.usage)
  }

  async #callModel(limits: DryRunLimits, signal: AbortSignal): Promise<void> {
    const { turn } = this.state
    if (!turn) return
    this.#modelCalls++
    const call = { turnId: turn.request.turnId, step: turn.step, attempt: turn.attempt }
    const failed = ({ code, detail }: Failure) => this.tell({ kind: 'ModelFailed', call, code, detail })
    const prepared = prepareModelCall(this.state, this.#parts, this.#now())
    if (prepared instanceof Failure) {
      failed(prepared)
      return
    }
    const { persona, choice } = prepared
    const now = this.#parts.clock.now()
    try {
      await checkDayBudget(this.state, persona, now, this.#parts)
      const answer = new Answer()
      const left = limits.tokens - this.#tokens()
      const owner = { tenant: this.state.tenant, sessionId: this.#from.sessionId }
      const { attachments } = this.#parts
      const shown = await showAttachments(prepared.request, owner, attachments, choice.images ?? false)
      const request = { ...shown, deadline: now + limits.seconds * 1_000 }
      for await (const chunk of choice.client.stream(request, signal)) {
        if (signal.aborted) return
        answer.add(chunk)
        // Not by maxTokens: the request stays the session's own, and endpoints refuse what exceeds their model.
        this.#overspent = answer.text.length / CHARACTERS_PER_TOKEN > left
        if (this.#overspent) return
      }
      if (!signal.aborted) this.tell({ kind: 'ModelReplied', call, reply: answer.reply(choice) })
    } catch (error) {
      if (!signal.aborted) failed(asFailure(error))
    }
  }

  async #answer(call: TurnCall, signal: AbortSignal): Promise<void> {
    const parsed = parseToolArguments(call.arguments)
    const args = parsed.ok ? parsed.value : call.arguments
    const { outcome, from } = await this.#outcomeOf(call, args, signal)
    if (signal.aborted) return
    this.origins.set(call.callId, from)
    this.tell({ kind: 'ToolReturned', v: 1, callId: call.callId, outcome })
  }

  /** What would be refused is refused in the tool's own words; what would run is answered from the journal, or not at all. */
  async #outcomeOf(
    { callId, tool: name }: TurnCall,
    args: unknown,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: ToolOutcome; readonly from: DryRunCall['from'] }> {
    const { tools, policy, clock } = this.#parts
    const now = this.#now()
    const tool = tools.get(name)
    if (!tool) {
      const names = tools.list().map((one) => one.name)
      return { outcome: notFound(name, names, now), from: 'refused' }
    }
    const checked = validateArguments(tool, args)
    if (!checked.ok) return { outcome: badArguments(name, checked.problems, now), from: 'refused' }
    const verdict = await authorize(
      policy,
      this.#invocation(callId, name, args),
      args,
      POLICY_TIMEOUT_MS,
      clock,
      signal,
    )
    if (verdict.kind !== 'decision') return { outcome: notRun(verdict, now), from: 'refused' }
    const { decision } = verdict
    if (!decision.allow) return { outcome: denied(decision, now), from: 'refused' }
    const recorded = this.#recorded.find(callId, name, args)
    if (recorded) return { outcome: { ...recorded, decision, finishedAt: now, startedAt: now }, from: 'recorded' }
    const output = `(dry run: not run) The journal has no outcome of ${questionOf(name, args)}. Go on as well as you can without it.`
    return { outcome: { status: 'unknown', output, decision, finishedAt: now }, from: 'simulated' }
  }

  #invocation(callId: string, tool: string, args: unknown) {
    const { tenant, personaId, turn } = this.state
    const { sessionId } = this.#from
    const { turnId = '', metadata = {} } = turn?.request ?? {}
    return {
      callId,
      tool,
      args,
      sessionId,
      turnId,
      personaId,
      metadata,
      tenant,
      replyTo: `session:${sessionId}` as const,
    }
  }
}
