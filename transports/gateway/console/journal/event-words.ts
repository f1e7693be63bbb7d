import type { ConversationEvent } from '../api/answers.ts'
import { decisionWords } from '../chat/tool-call.tsx'
import { clockTime } from '../parts/relative-time.tsx'

/** Who an event is of; each kind has its colour (styles/tokens.css), here and in the chat. */
export const kinds = ['user', 'assistant', 'tool', 'operator', 'system'] as const
export type Kind = (typeof kinds)[number]

export function kindOf({ type, role }: Pick<ConversationEvent, 'type' | 'role'>): Kind {
  if (/^(step\.|session\.(injected|step_mode))/.test(type)) return 'operator'
  return role
}

/** What an event says, in one line; all of it is in the event's JSON. */
export function summaryOf({ type, message, metadata }: ConversationEvent): string {
  switch (type) {
    case 'session.started':
    case 'session.persona':
      return `persona ${metadata.persona_id}`
    case 'session.metadata':
      return Object.keys(metadata.metadata ?? {}).join(', ')
    case 'session.imported':
      return `${metadata.messages} messages`
    case 'session.injected':
      return `${metadata.by}: ${metadata.role} ${message} (${metadata.why})`
    case 'session.step_mode':
      return `${metadata.on ? 'on' : 'off'}, ${metadata.by}: ${metadata.why}`
    case 'step.held':
      return `before ${metadata.call_id ?? 'the model call'}`
    case 'step.released':
      return `by ${metadata.by}`
    case 'step.edited':
      return `${metadata.by}: ${message}`
    case 'user.message':
      return message || metadata.action || 'tool results'
    case 'turn.started':
      return `ends by ${clockTime(metadata.deadline)}`
    case 'assistant.started':
      return `step ${metadata.step}`
    case 'assistant.restarted':
      return `step ${metadata.step}, attempt ${metadata.attempt}`
    case 'assistant.thinking':
      return message || callNames(metadata.tool_calls) || metadata.model || ''
    case 'assistant.final':
      return metadata.code ? `${metadata.code}: ${metadata.detail ?? message}` : `${metadata.outcome}: ${message}`
    case 'tool.start':
      return `${metadata.tool_name} ${JSON.stringify(metadata.args)}`
    case 'tool.result':
      return [
        `${metadata.tool_name}: ${metadata.status}`,
        metadata.decision && decisionWords(metadata.decision),
        message,
      ]
        .filter(Boolean)
        .join(', ')
    default:
      return message
  }
}

function callNames(calls: readonly { name: string }[] = []): string {
  return calls.length > 0 ? `calls ${calls.map(({ name }) => name).join(', ')}` : ''
}
