/** What an event says, in one line of the journal; all of it is in the event's JSON. */
export function summaryOf({ type, message, metadata }) {
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
      return `${metadata.on ? 'on' : 'off'} · ${metadata.by}: ${metadata.why}`
    case 'step.held':
      return `before ${metadata.call_id ?? 'the model call'}`
    case 'step.released':
      return `by ${metadata.by}`
    case 'step.edited':
      return `${metadata.by}: ${message}`
    case 'user.message':
      return message || metadata.action || 'tool results'
    case 'turn.started':
      return `ends by ${new Date(metadata.deadline).toLocaleTimeString([], { hour12: false })}`
    case 'assistant.started':
      return `step ${metadata.step}`
    case 'assistant.restarted':
      return `step ${metadata.step}, attempt ${metadata.attempt}`
    case 'assistant.thinking':
      return [message, calls(metadata.tool_calls), metadata.model].find(Boolean) ?? ''
    case 'assistant.final':
      return metadata.code ? `${metadata.code}: ${metadata.detail ?? message}` : `${metadata.outcome} · ${message}`
    case 'tool.start':
      return `${metadata.tool_name} ${JSON.stringify(metadata.args)}`
    case 'tool.result':
      return [metadata.tool_name, metadata.status, decisionWords(metadata.decision)].filter(Boolean).join(' · ')
    default:
      return message
  }
}

function calls(wanted = []) {
  return wanted.length > 0 && `calls ${wanted.map(({ name }) => name).join(', ')}`
}

export function decisionWords(decision) {
  return decision && `${decision.allow ? 'allowed' : 'denied'} by ${decision.policy}`
}
