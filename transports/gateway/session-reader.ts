import type { HistoryMessage, Timer } from '../../actors/session/protocol.ts'
import type { Announcement } from '../outbound.ts'

/** What the gateway reads of a session, from the journal alone: the same on every gateway, whoever owns the session. */
export interface SessionReader {
  /** Journaled events with seq > after, as the public shape, in order. */
  events(sessionId: string, after: number, limit: number): Promise<Announcement[]>
  head(sessionId: string): Promise<number>
  /** The session as its events fold: for history, context window, export, and joining a running turn. */
  view(sessionId: string): Promise<SessionView>
}

export interface SessionView {
  readonly sessionId: string
  readonly tenant: string
  readonly personaId: string
  readonly seq: number
  readonly paused: boolean
  readonly stepMode: boolean
  /** What step mode holds at this moment. */
  readonly pending: PendingStep | undefined
  readonly runningTurnId: string | undefined
  readonly queuedTurnIds: readonly string[]
  /** As the person sees it. */
  readonly history: readonly (HistoryMessage & { readonly at: number; readonly turnId?: string })[]
  /** What the model is told of the first `messages` of the history. */
  readonly condensed?: { readonly messages: number; readonly summary: string; readonly model: string }
  /** As the model would see it now, and its estimated size. */
  readonly contextWindow: {
    readonly messages: readonly HistoryMessage[]
    readonly tokens: number
    readonly limit: number
  }
  /** By the time at which they are due. */
  readonly timers: readonly Timer[]
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number; readonly costMicros: number }
}

export interface PendingStep {
  /** Names this hold: a Step or an edit must say it, so that it never means a later one. */
  readonly hold: number
  /** Epoch milliseconds. */
  readonly since: number
  readonly turnId: string
  readonly before: 'model' | 'call'
  /** Why the model is about to be called. */
  readonly reason?: string
  /** Before a model call: what the model has not answered yet. */
  readonly messages: readonly { readonly position: number; readonly message: HistoryMessage }[]
  /** Before a tool call: it, then those of the same step behind it. */
  readonly calls: readonly { readonly callId: string; readonly tool: string; readonly arguments: string }[]
}
