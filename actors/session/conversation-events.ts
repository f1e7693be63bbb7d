import type { StoredEvent } from '../../persistence/journal.ts'
import type { Announcement, ConversationEvent } from '../../transports/outbound.ts'
import { assertNever } from '../kernel/behaviour.ts'
import { childSessionOf, DELEGATE } from './delegation.ts'
import type { RecordedEvent, RequestedCall, SessionEvent, TokenUsage } from './events.ts'
import type { InjectedMessage } from './protocol.ts'

/** Journaled event -> the public shape of transports/outbound.ts. One for one, so public ids are the journal's seqs. */

type Told = Pick<ConversationEvent, 'role' | 'type' | 'message' | 'metadata'>

export function toAnnouncement(
  sessionId: string,
  stored: Pick<StoredEvent, 'seq' | 'at'>,
  event: RecordedEvent,
): Announcement {
  const told = tell(event, stored.at)
  return {
    sessionId,
    seq: stored.seq,
    at: stored.at,
    event: {
      event_id: `${sessionId}/${stored.seq}`,
      session_id: sessionId,
      persona_id: event.persona ?? '',
      version: 'sa01-v1',
      ...told,
    },
  }
}

function tell(event: SessionEvent, at: number): Told {
  switch (event.kind) {
    case 'SessionStarted':
      return of('system', 'session.started', '', 'worker', {
        persona_id: event.personaId,
        metadata: event.metadata,
        parent_session_id: event.delegated?.parent || undefined,
        depth: event.delegated?.depth,
      })
    case 'HistoryImported':
      return of('system', 'session.imported', '', 'gateway', { messages: event.messages.length, title: event.title })
    case 'UserTurnAccepted': {
      const { turnId, attachments, action, metadata, toolResults } = event
      const by = 'injected' in metadata ? 'operator' : 'gateway'
      return of('user', 'user.message', event.text, by, {
        turn_id: turnId,
        attachments,
        action,
        metadata,
        tool_results: toolResults,
      })
    }
    case 'UserTurnRejected':
      return final(event.turnId, 'failed', 'stop', event.detail, { code: event.code, text: event.text, steps: 0 })
    case 'TurnStarted':
      return of('system', 'turn.started', '', 'worker', { turn_id: event.turnId, deadline: event.deadline })
    case 'ModelCallStarted':
      return of('assistant', event.attempt === 1 ? 'assistant.started' : 'assistant.restarted', '', 'worker', {
        turn_id: event.turnId,
        step: event.step,
        attempt: event.attempt,
        reason: event.reason,
      })
    case 'ModelReplied':
      return of('assistant', 'assistant.thinking', event.text, 'slm', {
        turn_id: event.turnId,
        step: event.step,
        model: event.model,
        tool_calls: event.calls.map(publicCall),
        usage: publicUsage(event.usage),
      })
    case 'ToolCallStarted':
      return of('tool', 'tool.start', '', 'worker', {
        turn_id: event.turnId,
        call_id: event.callId,
        tool_name: event.tool,
        args: event.args,
        child_session_id: childOf(event),
        callback: event.callback && true,
        approved_by: event.approval?.by,
        denied_call_id: event.approval?.callId,
      })
    case 'ToolCallFinished': {
      const { outcome, asked } = event
      return of('tool', 'tool.result', outcome.output, 'tool_executor', {
        turn_id: event.turnId,
        call_id: event.callId,
        tool_name: event.tool,
        status: outcome.status,
        code: outcome.code,
        decision: outcome.decision,
        truncated: outcome.truncated,
        retry_after: outcome.retryAfter,
        child_session_id: childOf(event),
        asked: asked && { event_id: asked.requestId, metadata: asked.metadata, traceparent: asked.trace },
        usage: outcome.usage && publicUsage(outcome.usage),
        execution_time: outcome.startedAt === undefined ? 0 : (outcome.finishedAt - outcome.startedAt) / 1_000,
      })
    }
    case 'TurnFinished':
      return final(event.turnId, event.outcome, event.finishReason, event.text, {
        code: event.code,
        detail: event.detail,
        tool_calls: event.clientCalls?.map((call) => ({ ...publicCall(call), id: call.modelCallId })),
        steps: event.steps,
        model: event.model,
        usage: publicUsage(event.usage),
      })
    case 'Paused':
      return of('system', 'session.paused', event.reason, 'worker', {})
    case 'Resumed':
      return of('system', 'session.resumed', '', 'worker', {})
    case 'Intervened':
      return of('user', 'user.intervention', event.text, 'gateway', { turn_id: event.turnId, shown: event.partialText })
    case 'MessageInjected':
      return of('system', 'session.injected', injectedText(event.message), 'operator', {
        role: event.message.role,
        command: event.message.role === 'control' ? event.message.command : undefined,
        call_id: event.message.role === 'tool' ? event.message.callId : undefined,
        by: event.by,
        why: event.why,
        at,
      })
    case 'StepModeSet':
      return of('system', 'session.step_mode', event.why, 'operator', { on: event.on, by: event.by, why: event.why })
    case 'StepHeld':
      return of('system', 'step.held', '', 'worker', {
        turn_id: event.turnId,
        hold: event.hold,
        before: event.before,
        reason: event.before === 'model' ? event.reason : undefined,
        call_id: event.before === 'call' ? event.callId : undefined,
      })
    case 'StepReleased':
      return of('system', 'step.released', '', 'operator', {
        turn_id: event.turnId,
        deadline: event.deadline,
        by: event.by,
      })
    case 'PendingEdited': {
      const { edit, turnId, before, by, why } = event
      const text = edit.what === 'message' ? edit.content : edit.arguments
      const target = edit.what === 'message' ? { position: edit.position } : { call_id: edit.callId }
      return of('system', 'step.edited', text, 'operator', { turn_id: turnId, ...target, before, by, why })
    }
    case 'PersonaSwitched':
      return of('system', 'session.persona', '', 'gateway', { persona_id: event.personaId })
    case 'MetadataUpdated':
      return of('system', 'session.metadata', '', 'gateway', { metadata: event.metadata })
    case 'UploadNoted':
      return of('system', 'uploads.progress', event.filename, 'gateway', {
        attachment_id: event.attachmentId,
        filename: event.filename,
        status: event.phase,
        mime: event.mime,
        size: event.size,
        detail: event.detail,
      })
    case 'Scheduled': {
      const { timerId, name, when, due, message } = event.timer
      const often = 'at' in when ? {} : { cron: when.cron, time_zone: when.timeZone }
      return of('system', 'timer.set', message, 'worker', { timer_id: timerId, name, ...often, due: isoOf(due) })
    }
    case 'ScheduleFired':
      return of('system', 'timer.fired', '', 'worker', {
        timer_id: event.timerId,
        due: isoOf(event.due),
        missed: event.missed,
        next: event.next === undefined ? undefined : isoOf(event.next),
      })
    case 'ScheduleCancelled':
      return of('system', 'timer.cancelled', event.reason, 'worker', { timer_id: event.timerId })
    case 'TimersAnswered':
      return of('system', 'timer.answered', '', 'worker', { call_id: event.callId })
    case 'HistoryCondensed':
      return of('system', 'history.condensed', event.summary, 'slm', {
        from: event.from,
        to: event.to,
        model: event.model,
        usage: publicUsage(event.usage),
      })
    case 'CondensingFailed':
      return of('system', 'history.not_condensed', event.detail, 'worker', {
        from: event.from,
        to: event.to,
        code: event.code,
      })
    case 'SessionReset':
      return of('system', 'session.reset', '', 'gateway', {})
    case 'SessionDeleted':
      return of('system', 'session.deleted', '', 'gateway', {})
    default:
      return assertNever(event)
  }
}

/** Where to follow what was delegated, from its first event on. */
function childOf({ tool, callId }: { readonly tool: string; readonly callId: string }): string | undefined {
  return tool === DELEGATE ? childSessionOf(callId) : undefined
}

function isoOf(at: number): string {
  return new Date(at).toISOString()
}

function injectedText(message: InjectedMessage): string {
  return message.role === 'control' ? message.command.name : message.content
}

function of(
  role: Told['role'],
  type: string,
  message: string,
  source: string,
  metadata: Record<string, unknown>,
): Told {
  const known = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
  return { role, type, message, metadata: { source, ...known } }
}

function final(
  turnId: string,
  outcome: string,
  finishReason: string,
  text: string,
  rest: Record<string, unknown>,
): Told {
  const source = rest.code === 'BUDGET_EXCEEDED' ? 'budget' : 'worker'
  return of('assistant', 'assistant.final', text, source, {
    turn_id: turnId,
    outcome,
    finish_reason: finishReason,
    ...rest,
  })
}

function publicCall(call: RequestedCall): Record<string, unknown> {
  return { call_id: call.callId, name: call.tool, arguments: call.arguments }
}

function publicUsage(usage: TokenUsage): Record<string, number> {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    cost_usd: usage.costMicros / 1e6,
  }
}
