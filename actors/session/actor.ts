import type { Attachments } from '../../persistence/attachments.ts'
import type { SessionRecord, Usage } from '../../persistence/journal.ts'
import type { Models } from '../../transports/model/client.ts'
import type { Outbound } from '../../transports/outbound.ts'
import type { ActorSystem } from '../kernel/actor.ts'
import { type Address, idOf } from '../kernel/address.ts'
import type { CommandMeta } from '../kernel/behaviour.ts'
import { Failure } from '../kernel/failure.ts'
import { journaledActor } from '../kernel/journaled-actor.ts'
import type { JournaledActorParts, JournaledKind, Scope } from '../kernel/journaled-kind.ts'
import type { Ref } from '../kernel/ref.ts'
import type { AddressedKind } from '../kernel/region.ts'
import type { SpanAttributes } from '../kernel/tracing.ts'
import { type LiveCall, modelCallRecipe } from '../model-call.ts'
import type { Personas } from '../persona.ts'
import type { ToolCatalogue } from '../tool/tool.ts'
import { sessionBehaviour } from './behaviour.ts'
import type { Birth, CallId, Command, ModelReply } from './commands.ts'
import { Condenser } from './condenser.ts'
import { toAnnouncement } from './conversation-events.ts'
import { checkDayBudget, dayOf } from './day-budget.ts'
import type { SessionEffect } from './draft.ts'
import { type SessionEvent, sessionCodec } from './events.ts'
import { prepareModelCall } from './model-request.ts'
import { parseSessionCommand } from './parse.ts'
import { showAttachments } from './shown-attachments.ts'
import { SESSION_STATE_VERSION, type SessionState } from './state.ts'
import { timerChanges } from './timer-state.ts'
import type { TimerLimits } from './timers.ts'

/** ④ The session actor: performs what its behaviour decides. Its only live state is the model call in flight. */
export interface SessionParts extends JournaledActorParts {
  readonly system: Pick<ActorSystem, 'stop'>
  readonly outbound: Outbound
  readonly models: Models
  readonly personas: Personas
  readonly tools: ToolCatalogue
  readonly usage: Usage
  /** Left out: the model is not told of attachments. */
  readonly attachments?: Pick<Attachments, 'get' | 'read'>
  /** Tokens a tenant's persona may use per UTC day; 0 = no limit (infra/tenants.ts). */
  readonly dailyTokenLimit: (tenant: string, personaId: string) => number
  /** Removes what the session leaves elsewhere, after its deletion is journaled. */
  readonly erase: (address: Address) => void
  readonly idleMs: number
  readonly timers?: TimerLimits
  /** What a gateway knew of a session that has no events yet. */
  readonly birthOf?: (sessionId: string) => Promise<Birth | undefined>
}

const codec = sessionCodec()

type SessionScope = Scope<SessionState, Command>

const MAILBOX_CAPACITY = 1_000
const SNAPSHOT_EVERY = 100

export function sessionKind(parts: SessionParts): AddressedKind<SessionScope> {
  return {
    idleMs: parts.idleMs,
    // A session that waits for a tool may sleep: the result's envelope wakes it. A model call would be lost.
    isIdle: (scope) => scope.state().turn?.phase !== 'model',
    recipe: (address) => journaledActor(journaledSession(address, parts), parts)(address),
  }
}

function journaledSession(
  address: Address,
  parts: SessionParts,
): JournaledKind<SessionState, Command, SessionEvent, SessionEffect> {
  const sessionId = idOf(address)
  let live: (LiveCall & { readonly ref: Ref<never> }) | undefined
  let birth: Birth | undefined
  const condenser = new Condenser(parts)
  const abort = () => {
    if (live) void parts.system.stop(live.ref)
    live = undefined
  }
  return {
    type: 'session',
    capacity: MAILBOX_CAPACITY,
    behaviour: sessionBehaviour(parts, sessionId),
    codec,
    snapshots: { version: SESSION_STATE_VERSION, every: SNAPSHOT_EVERY },
    parse: parseSessionCommand,
    recovered: () => ({ kind: 'Recovered' }),
    async hydrate() {
      birth = await parts.birthOf?.(sessionId)
    },
    enrich(command, scope) {
      const { status, turn } = scope.state()
      if (status === 'new' && birth !== undefined) return { ...command, birth }
      birth = undefined
      const current =
        live &&
        turn?.request.turnId === live.id.turnId &&
        turn.step === live.id.step &&
        turn.attempt === live.id.attempt
      const enriched = live && current ? { ...command, partialText: live.shown } : command
      // A call that is over is let go: with its request it was 4 KB of every session that rests.
      if (live && isResultOf(live.id, command)) live = undefined
      return enriched
    },
    perform(effect, scope) {
      if (effect.kind === 'Condense') {
        condenser.consider(scope)
        return
      }
      if (effect.kind === 'Erase') {
        parts.erase(address)
        return
      }
      abort()
      if (effect.kind === 'CallModel') live = startModelCall(sessionId, scope, parts)
    },
    traceOf: ({ turn }) => turn?.request.trace,
    project: (after, events, meta) => ({
      record: recordOf(sessionId, after, meta),
      ...usageOf(after, events, meta),
      ...timerChanges(after, events),
    }),
    announce(_scope, stored) {
      for (const one of stored) parts.outbound.announce(toAnnouncement(sessionId, one, codec.decode(one)))
    },
  }
}

function isResultOf({ turnId, step, attempt }: CallId, command: Command): boolean {
  if (command.kind !== 'ModelReplied' && command.kind !== 'ModelFailed') return false
  const { call } = command
  return call.turnId === turnId && call.step === step && call.attempt === attempt
}

function startModelCall(
  sessionId: string,
  scope: SessionScope,
  parts: SessionParts,
): (LiveCall & { ref: Ref<never> }) | undefined {
  const state = scope.state()
  const { turn } = state
  if (!turn) return undefined
  const id: CallId = { turnId: turn.request.turnId, step: turn.step, attempt: turn.attempt }
  const tag = `${scope.address}/model/${scope.seq()}`
  const span = scope.startSpan('model.call', { 'soma.step': id.step, 'soma.attempt': id.attempt })
  const failed = (failure: Failure) => {
    span.end(failure.code)
    scope.tellSelf({ kind: 'ModelFailed', call: id, code: failure.code, detail: failure.detail }, tag, span.trace)
  }
  const now = scope.context.clock.now()
  const prepared = prepareModelCall(state, parts, now)
  if (prepared instanceof Failure) {
    failed(prepared)
    return undefined
  }
  const { persona, choice, request } = prepared
  const { attachments } = parts
  const liveCall: LiveCall = { id, shown: '' }
  const recipe = modelCallRecipe(
    {
      id,
      sessionId,
      choice,
      request: { ...request, traceparent: span.trace.traceparent },
      checkBudget: () => checkDayBudget(state, persona, now, parts),
      ...(attachments && {
        complete: (asked) =>
          showAttachments(asked, { tenant: state.tenant, sessionId }, attachments, choice.images ?? false),
      }),
      reply: (reply) => {
        span.end(undefined, attributesOf(reply))
        scope.tellSelf({ kind: 'ModelReplied', call: id, reply }, tag, span.trace)
      },
      stopped: () => span.end('ABORTED'),
      failed,
    },
    liveCall,
    parts.outbound,
  )
  return Object.assign(liveCall, { ref: scope.context.spawn(`model-${scope.seq()}`, recipe) })
}

function attributesOf({ finishReason, usage, calls }: ModelReply): SpanAttributes {
  return {
    'gen_ai.response.finish_reason': finishReason,
    'gen_ai.usage.input_tokens': usage.promptTokens,
    'gen_ai.usage.output_tokens': usage.completionTokens,
    'soma.tool_calls': calls.length,
  }
}

function recordOf(sessionId: string, state: SessionState, meta: CommandMeta): SessionRecord {
  const running = state.turn ? 'running' : 'idle'
  return {
    sessionId,
    tenant: state.tenant,
    personaId: state.personaId,
    metadata: state.metadata,
    ...(state.title !== undefined && { title: state.title }),
    state: state.status === 'deleted' ? 'deleted' : state.paused ? 'paused' : running,
    createdAt: meta.now,
    updatedAt: meta.now,
  }
}

function usageOf(state: SessionState, events: readonly SessionEvent[], meta: CommandMeta) {
  let tokens = 0
  let costMicros = 0
  for (const event of events) {
    if (event.kind !== 'ModelReplied' && event.kind !== 'HistoryCondensed') continue
    tokens += event.usage.promptTokens + event.usage.completionTokens
    costMicros += event.usage.costMicros
  }
  if (tokens === 0) return {}
  return { usage: { tenant: state.tenant, personaId: state.personaId, day: dayOf(meta.now), tokens, costMicros } }
}
