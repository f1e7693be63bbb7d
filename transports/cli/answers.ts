import type { Envelope } from '../../actors/kernel/envelope.ts'
import type { ConversationEvent } from '../outbound.ts'

/** What the gateway answers, as far as commands read it. */

export interface Accepted {
  readonly session_id: string
  readonly event_id: string
}

export interface SessionSummary {
  readonly session_id: string
  readonly persona_id: string
  readonly title: string | null
  readonly state: string
  readonly updated_at: string
}

export interface SessionDetail extends SessionSummary {
  readonly head: number
  readonly running_turn_id: string | null
}

export interface JournalEntry {
  readonly id: number
  readonly occurred_at: string
  readonly payload: ConversationEvent
}

export interface PersonaSummary {
  readonly id: string
  readonly name: string
  readonly tools: readonly string[]
}

export interface ToolSummary {
  readonly name: string
  readonly description: string
  readonly reaches: readonly string[]
}

export interface ModelSummary {
  readonly id: string
  readonly role: string | null
  readonly owned_by: string
}

export interface TimerSummary {
  readonly timer_id: string
  readonly name: string | null
  readonly cron: string | null
  readonly due: string
  readonly message: string
}

export interface DeadLetterSummary {
  readonly id: string
  readonly code: string
  readonly original_event: Envelope
  readonly error_message: string
  readonly retry_count: number
  readonly timestamp: string
}

export interface McpServerSummary {
  readonly name: string
  readonly target: string
  readonly state: string
  readonly restarts: number
  readonly trouble: string | null
  readonly tools: readonly { readonly name: string }[]
  readonly left_out: readonly { readonly name: string; readonly reason: string }[]
}

export interface QuarantineSummary {
  readonly address: string
  readonly code: string
  readonly detail: string
  readonly suspect: Envelope | null
  readonly since: string
  readonly held: number
}

export interface MemorySummary {
  readonly namespace: string
  readonly key: string
  readonly text: string
  readonly updated_at: string
}

export interface RememberedSummary {
  readonly namespace: string
  readonly key: string
  readonly replaced: boolean
  readonly duplicate_of: string | null
}

export interface UploadedFile {
  readonly id: string
  readonly filename: string
  readonly mime: string
  readonly size: number
  readonly session_id: string
  readonly status: 'clean' | 'quarantined'
  readonly quarantine_reason: string | null
  readonly path: string
}
