/**
 * What a session lets the world see while it works. Events are journaled first and only announced here: a reader that
 * misses an announcement finds the event in the journal by its seq. Previews (partial text) are not durable.
 */
export interface Outbound {
  announce(announcement: Announcement): void
  preview(preview: Preview): void
  /** How far a tool call is. Soft, as a preview is, and nothing is kept of it. */
  progress?(progress: ToolProgress): void
  /** Calls back at once with the partial text of the step in progress, if there is one. Never calls back after `close`. */
  subscribe(sessionId: string, listener: OutboundListener): { close(): void }
}

export interface OutboundListener {
  event(announcement: Announcement): void
  preview(preview: Preview): void
  progress?(progress: ToolProgress): void
  /**
   * Announcements may have been lost: the journal tells. `began`: those before this listener was heard of; `moved`: any,
   * since the session has another owner now.
   */
  missed?(since: 'began' | 'moved'): void
}

export interface Announcement {
  readonly sessionId: string
  readonly seq: number
  readonly at: number
  readonly event: ConversationEvent
}

/**
 * The old stack's public shape, `version: "sa01-v1"`; one for every journaled session event, so ids are dense.
 * `event_id` is `<session_id>/<seq>`. `metadata.turn_id` is there whenever a turn is concerned. Types and metadata:
 *
 *   session.started | paused | resumed | reset | deleted | persona | metadata | injected | imported
 *   user.message         {turn_id, attachments}          user.intervention {turn_id}
 *   assistant.started    {turn_id, step, attempt, model}  one model call begins
 *   assistant.restarted  {turn_id, step, attempt, reason} the previews of earlier attempts are void
 *   assistant.stream     {turn_id, step, attempt, stream_index, delta}  previews only, never journaled
 *   assistant.thinking   {turn_id, step, tool_calls: [{call_id, name, arguments}], usage}  text before tool calls
 *   uploads.progress     {attachment_id, filename, status: uploading|clean|quarantined|failed, mime?, size?, detail?}
 *   tool.start           {turn_id, call_id, tool_name, args}
 *   tool.progress        {turn_id, call_id, tool_name, progress_index, fraction?}  message: the tool's words; never journaled
 *   tool.result          {turn_id, call_id, tool_name, status, code?, retry_after?, decision?, execution_time,
 *                         asked?: {event_id, metadata, traceparent?} of a call asked for on tool.requests}  message: the output
 *   assistant.final      {turn_id, outcome: completed|stopped|failed|client_tools, finish_reason: stop|tool_calls|length|content_filter,
 *                         code?, tool_calls? (client tools), steps, model, usage: {prompt_tokens, completion_tokens, total_tokens, cost_usd}}
 *
 * Every accepted user turn ends in exactly one `assistant.final`, whatever happens (rejected and failed ones too).
 * `metadata.source` is gateway | worker | tool_executor | policy | budget | operator.
 */
export interface ConversationEvent {
  readonly event_id: string
  readonly session_id: string
  readonly persona_id: string
  readonly role: 'user' | 'assistant' | 'system' | 'tool'
  readonly type: string
  readonly message: string
  readonly version: 'sa01-v1'
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface Preview {
  readonly sessionId: string
  readonly turnId: string
  readonly step: number
  readonly attempt: number
  /** Counts previews of this attempt from 0 (`metadata.stream_index`). */
  readonly index: number
  /** Text since the last preview. */
  readonly delta: string
  /** All text of this attempt so far. */
  readonly text: string
}

export interface ToolProgress {
  readonly sessionId: string
  readonly turnId: string
  readonly callId: string
  readonly tool: string
  /** Counts what the tool told of this attempt from 0; not all of it is shown. */
  readonly index: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly text?: string
  /** 0 to 1. */
  readonly fraction?: number
}

type PreviewPlace = Omit<Preview, 'delta' | 'text'>

/** Whether nothing of the attempt is missing between the two. */
export function goesOn(before: PreviewPlace | undefined, preview: PreviewPlace): boolean {
  return (
    before?.turnId === preview.turnId &&
    before.step === preview.step &&
    before.attempt === preview.attempt &&
    before.index + 1 === preview.index
  )
}
