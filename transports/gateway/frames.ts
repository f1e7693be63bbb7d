import type { Announcement, ConversationEvent, Preview, ToolProgress } from '../outbound.ts'

const serialized = new WeakMap<Announcement, string>()

/** One announcement goes to every reader of its session: it is put into words once. */
export function eventJson(announcement: Announcement): string {
  let json = serialized.get(announcement)
  if (json === undefined) {
    json = JSON.stringify(announcement.event)
    serialized.set(announcement, json)
  }
  return json
}

export type PreviewStyle = 'cumulative' | 'delta' | 'none'

/**
 * Previews as `assistant.stream` events for one reader. The old contract's text is cumulative, which costs the square
 * of its length on the wire: a reader may ask for deltas, placed by `offset`, and then `message` is empty.
 */
export class PreviewFrames {
  readonly #style: PreviewStyle
  #attempt = ''
  #sent = 0
  persona = ''

  constructor(style: PreviewStyle) {
    this.#style = style
  }

  /** Undefined: this reader wants none. */
  frame(preview: Preview): ConversationEvent | undefined {
    if (this.#style === 'none') return undefined
    const attempt = `${preview.turnId}/${preview.step}.${preview.attempt}`
    if (attempt !== this.#attempt) {
      this.#attempt = attempt
      this.#sent = 0
    }
    const offset = this.#sent
    // Not preview.delta: previews that a slow reader skipped are in this one's difference.
    const delta = preview.text.slice(offset)
    this.#sent = preview.text.length
    return {
      event_id: `${preview.sessionId}/${attempt}.${preview.index}`,
      session_id: preview.sessionId,
      persona_id: this.persona,
      role: 'assistant',
      type: 'assistant.stream',
      message: this.#style === 'cumulative' ? preview.text : '',
      version: 'sa01-v1',
      metadata: {
        turn_id: preview.turnId,
        step: preview.step,
        attempt: preview.attempt,
        stream_index: preview.index,
        delta,
        offset,
        source: 'worker',
      },
    }
  }
}

/** How far a tool call is, as a `tool.progress` event. It has no place in the journal, so no cursor goes with it. */
export function progressEvent(progress: ToolProgress, persona: string): ConversationEvent {
  const { sessionId, turnId, callId, tool, index, text = '', fraction } = progress
  return {
    event_id: `${sessionId}/${callId}/progress/${index}`,
    session_id: sessionId,
    persona_id: persona,
    role: 'tool',
    type: 'tool.progress',
    message: text,
    version: 'sa01-v1',
    metadata: {
      turn_id: turnId,
      call_id: callId,
      tool_name: tool,
      progress_index: index,
      ...(fraction !== undefined && { fraction }),
      source: 'tool_executor',
    },
  }
}
