import { address } from '../kernel/address.ts'
import type { CommandMeta, Decision, Outgoing } from '../kernel/behaviour.ts'
import type { Personas } from '../persona.ts'
import type { Approval, ToolOutcome } from '../tool/protocol.ts'
import { DELEGATE, lineageOf, settlementOf } from './delegation.ts'
import type {
  CallReason,
  FinishReason,
  HeldStep,
  RecordedEvent,
  RequestedCall,
  SessionEvent,
  TurnOutcome,
} from './events.ts'
import { evolve, type RunningTurn, type SessionState, type TurnCall } from './state.ts'
import type { TimerLimits } from './timers.ts'

/** What a session asks of the world after its append. All are idempotent: starting a call replaces the one in flight. */
export type SessionEffect =
  | { readonly kind: 'CallModel' }
  | { readonly kind: 'AbortModel' }
  /** A turn is over: condense the history if it is due. Lost in a crash, the next turn's end asks again. */
  | { readonly kind: 'Condense' }
  /** Of a deleted session: remove what is left of it, here and elsewhere. */
  | { readonly kind: 'Erase' }

/** What deciding may look up. Read at decide time only; what matters later is journaled (limits, in TurnStarted). */
export interface SessionConfiguration {
  readonly personas: Personas
  readonly timers?: TimerLimits
}

/**
 * A decision being written: every event is folded as soon as it is recorded, so that the next step of the same
 * decision sees the state it leaves. One message often means several events (an answer ends a turn and begins the next).
 */
export class Draft {
  state: SessionState
  readonly meta: CommandMeta
  readonly configuration: SessionConfiguration
  readonly sessionId: string
  readonly #events: RecordedEvent[] = []
  readonly #outbox: Outgoing[] = []
  #effects: SessionEffect[] = []
  #turnEnded = false

  constructor(sessionId: string, state: SessionState, meta: CommandMeta, configuration: SessionConfiguration) {
    this.sessionId = sessionId
    this.state = state
    this.meta = meta
    this.configuration = configuration
  }

  record(event: SessionEvent): void {
    const persona = 'personaId' in event ? event.personaId : this.state.personaId
    const recorded: RecordedEvent = { ...event, persona }
    this.#events.push(recorded)
    this.state = evolve(this.state, recorded)
    const settlement = settlementOf(this.state.delegated, event, this.meta.now)
    if (settlement) this.send(settlement)
  }

  /** Of the next event to be recorded. */
  get nextSeq(): number {
    return this.meta.nextSeq + this.#events.length
  }

  send(outgoing: Outgoing): void {
    this.#outbox.push(outgoing)
  }

  decision(): Decision<SessionEvent, SessionEffect> {
    const condense = this.#turnEnded ? [{ kind: 'Condense' } as const] : []
    return { events: this.#events, effects: [...this.#effects, ...condense], outbox: this.#outbox }
  }

  /** Begins the next model call of the running turn, or holds it while the session is paused or in step mode. */
  callModel(reason: CallReason): void {
    const { turn } = this.state
    if (!turn || this.state.paused) return
    if (this.state.stepMode) this.hold({ before: 'model', reason })
    else this.beginModelCall(reason)
  }

  /** Step mode: from here on the turn waits for an operator (stepping.ts). */
  hold(step: HeldStep): void {
    const { turn } = this.state
    if (!turn) return
    const since = turn.hold?.since ?? this.meta.now
    this.record({ kind: 'StepHeld', turnId: turn.request.turnId, hold: this.nextSeq, since, ...step })
  }

  beginModelCall(reason: CallReason): void {
    const { turn } = this.state
    if (!turn) return
    const again = reason !== 'next' && reason !== 'intervened' && reason !== 'injected' && turn.step > 0
    this.record({
      kind: 'ModelCallStarted',
      turnId: turn.request.turnId,
      step: again ? turn.step : turn.step + 1,
      attempt: again ? turn.attempt + 1 : 1,
      reason,
    })
    this.#effects = [{ kind: 'CallModel' }]
  }

  erase(): void {
    this.#effects = [...this.#effects, { kind: 'Erase' }]
  }

  abortModel(): void {
    this.#effects = [{ kind: 'AbortModel' }]
  }

  /** Takes the next queued turn when none runs. */
  startNextTurn(): void {
    const [request] = this.state.queue
    if (this.state.turn || this.state.paused || !request) return
    const { personas } = this.configuration
    const persona = personas.get(this.state.personaId) ?? personas.get(personas.defaultId)
    if (!persona) throw new Error(`the default persona ${personas.defaultId} is missing`)
    const { limits } = persona
    const deadline = this.meta.now + limits.turnSeconds * 1_000
    this.record({ kind: 'TurnStarted', turnId: request.turnId, deadline, limits })
    this.callModel('next')
  }

  finishTurn(
    turn: RunningTurn,
    end: {
      outcome: TurnOutcome
      finishReason: FinishReason
      text: string
      code?: string
      detail?: string
      clientCalls?: readonly RequestedCall[]
    },
  ): void {
    this.record({
      kind: 'TurnFinished',
      turnId: turn.request.turnId,
      ...end,
      steps: turn.step,
      model: turn.model,
      usage: turn.usage,
    })
    this.#turnEnded = true
    this.startNextTurn()
  }

  failTurn(turn: RunningTurn, code: string, detail: string): void {
    this.finishTurn(turn, { outcome: 'failed', finishReason: 'stop', text: detail, code, detail })
  }

  startCall(turn: RunningTurn, call: RequestedCall, args: unknown): void {
    const { turnId } = turn.request
    this.record({ kind: 'ToolCallStarted', turnId, callId: call.callId, tool: call.tool, args })
    this.invoke(call.callId, call.tool, args, turnId, turn.request.metadata)
  }

  invoke(
    callId: string,
    tool: string,
    args: unknown,
    turnId: string,
    metadata: Readonly<Record<string, unknown>>,
    approval?: Approval,
  ): void {
    const { sessionId } = this
    const { personaId } = this.state
    const replyTo = address('session', sessionId)
    this.send({
      to: address('tool', callId),
      body: {
        ...({ kind: 'Invoke', v: 1, callId, tool, args, sessionId, turnId, personaId, metadata, replyTo } as const),
        ...(approval && { approval }),
        ...(tool === DELEGATE && { lineage: lineageOf(this.state) }),
      },
    })
  }

  finishCall(turn: RunningTurn, call: RequestedCall, outcome: ToolOutcome): void {
    this.record({
      kind: 'ToolCallFinished',
      turnId: turn.request.turnId,
      callId: call.callId,
      tool: call.tool,
      outcome,
    })
  }

  /** An answer that needs no tool to run: malformed arguments, a tool the persona lacks, one call too many. */
  refuseCall(turn: RunningTurn, call: RequestedCall, status: 'error' | 'blocked', code: string, output: string): void {
    this.record({
      kind: 'ToolCallStarted',
      turnId: turn.request.turnId,
      callId: call.callId,
      tool: call.tool,
      args: call.arguments,
    })
    this.finishCall(turn, call, { status, output, code, finishedAt: this.meta.now })
  }

  /**
   * Ends the calls that still run. They are answered in the history at once, so that no tool call is ever left without
   * a result (it would block every later request to the model); what the tool says afterwards is ignored.
   */
  cancelCalls(turn: RunningTurn, reason: string): void {
    for (const call of runningCalls(turn)) {
      if (!call.started) {
        const output = `The call was not run: ${reason}.`
        this.finishCall(turn, call, { status: 'cancelled', output, finishedAt: this.meta.now })
        continue
      }
      this.finishCall(turn, call, this.cancelCall(call.callId, reason))
    }
  }

  /** Tells the tool, and answers in its stead. */
  cancelCall(callId: string, reason: string): ToolOutcome {
    this.send({ to: address('tool', callId), body: { kind: 'Cancel', v: 1, reason }, priority: 'control' })
    const output = `The call was cancelled before its result was known: ${reason}. It may or may not have taken effect.`
    return { status: 'cancelled', output, finishedAt: this.meta.now }
  }
}

/** Server calls without an outcome, whether their tools have them yet or not. */
export function runningCalls(turn: RunningTurn): TurnCall[] {
  return turn.calls.filter((call) => call.by === 'server' && !call.outcome)
}
