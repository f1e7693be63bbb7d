/** The gateway's answers, as far as views of several rooms read them. A view with answers of its own declares them itself. */

export type SessionState = 'idle' | 'running' | 'paused' | 'quarantined' | 'deleted'

export interface Session {
  readonly session_id: string
  readonly persona_id: string
  readonly title: string | null
  readonly state: SessionState
  readonly metadata: Readonly<Record<string, unknown>>
  readonly created_at: string
  readonly updated_at: string
}

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly cost_usd: number
}

export interface SessionDetail extends Session {
  readonly head: number
  readonly paused: boolean
  readonly running_turn_id: string | null
  readonly queued_turn_ids: readonly string[]
  readonly usage: Usage
}

export interface SessionPage {
  readonly sessions: readonly Session[]
  readonly next_cursor: string | null
}

/** One event of a session in its public shape (transports/outbound.ts). */
export interface ConversationEvent {
  readonly event_id: string
  readonly session_id: string
  readonly persona_id: string
  readonly role: 'user' | 'assistant' | 'system' | 'tool'
  readonly type: string
  readonly message: string
  // biome-ignore lint/suspicious/noExplicitAny: each type of event has its own; docs/openapi names none of them.
  readonly metadata: Readonly<Record<string, any>>
}

export interface JournalEntry {
  /** Its seq: contiguous from 1. */
  readonly id: number
  readonly occurred_at: string
  readonly payload: ConversationEvent
}

export interface JournalPage {
  readonly events: readonly JournalEntry[]
  readonly next_cursor: number | null
}

export interface Accepted {
  readonly session_id: string
  readonly event_id: string
}

export interface Dependency {
  readonly name: string
  readonly required: boolean
  readonly ok: boolean
  readonly detail: string
  readonly remedy: string
}

export interface Readiness {
  readonly status: 'ready' | 'not-ready'
  readonly dependencies: readonly Dependency[]
}
