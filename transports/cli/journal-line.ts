import type { ConversationEvent } from '../outbound.ts'
import { shorten } from './terminal.ts'

const WIDTH = 100

/** What happened, in a line that a person reads; `--json` has all of it. */
export function journalLine({ type, message, metadata }: ConversationEvent): string {
  switch (type) {
    case 'tool.start':
      return `${metadata.tool_name} ${shorten(JSON.stringify(metadata.args ?? {}), WIDTH)}`
    case 'tool.result': {
      const { decision, status, tool_name } = metadata
      const decided = decision as { allow: boolean; policy: string } | undefined
      const by = decided ? `, ${decided.allow ? 'allowed' : 'denied'} by ${decided.policy}` : ''
      return `${tool_name} ${status}${by}: ${shorten(message, WIDTH)}`
    }
    case 'assistant.restarted':
      return `step ${metadata.step}, attempt ${metadata.attempt}: ${metadata.reason}`
    case 'assistant.started':
      return `step ${metadata.step}`
    case 'assistant.thinking':
      return message === '' ? callsOf(metadata) : shorten(message, WIDTH)
    case 'assistant.final': {
      const { outcome, code } = metadata
      const ended = outcome === 'completed' ? '' : [outcome, code].filter(Boolean).join(' ')
      return [ended, shorten(message, WIDTH)].filter(Boolean).join(': ')
    }
    case 'session.started':
    case 'session.persona':
      return `persona ${metadata.persona_id}`
    case 'session.injected':
      return `${metadata.role}: ${shorten(message, WIDTH)} (${metadata.by}: ${metadata.why})`
    case 'session.step_mode':
      return `${metadata.on ? 'on' : 'off'} (${metadata.by}: ${metadata.why})`
    case 'step.held':
      return `hold ${metadata.hold}, before ${metadata.before === 'call' ? metadata.call_id : 'the model call'}`
    case 'step.released':
      return `by ${metadata.by}`
    case 'step.edited':
      return `${shorten(message, WIDTH)} (${metadata.by}: ${metadata.why})`
    default:
      return shorten(message, WIDTH)
  }
}

function callsOf({ tool_calls }: ConversationEvent['metadata']): string {
  const names = ((tool_calls ?? []) as { name: string }[]).map(({ name }) => name)
  // Without calls the text is the answer, which the final has.
  return names.length === 0 ? '' : `calls ${names.join(', ')}`
}
