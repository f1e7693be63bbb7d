import type { ToolOutcome } from '../tool/protocol.ts'
import type { CondensingResult } from './condensing.ts'
import type { FinishReason, TokenUsage } from './events.ts'
import type { SessionCommand } from './protocol.ts'

/** What a session tells itself: results of its own model call. Never accepted from outside (journaled-actor.ts, Told). */
export type InternalCommand =
  | { readonly kind: 'ModelReplied'; readonly call: CallId; readonly reply: ModelReply }
  | { readonly kind: 'ModelFailed'; readonly call: CallId; readonly code: string; readonly detail: string }
  | CondensingResult
  | { readonly kind: 'Recovered' }

export interface CallId {
  readonly turnId: string
  readonly step: number
  readonly attempt: number
}

export interface ModelReply {
  readonly text: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
  readonly finishReason: FinishReason
  readonly model: string
  readonly usage: TokenUsage
}

/** A command as decided: commands that interrupt carry the text the person has already been shown (actor.ts adds it). */
export type Command = (SessionCommand | InternalCommand) & {
  readonly partialText?: string
  /** On the first command of a session: what it was born with at its gateway. */
  readonly birth?: Birth
}

export interface Birth {
  readonly personaId: string
  readonly metadata: Readonly<Record<string, unknown>>
}

export type ToolReturned = { readonly callId: string; readonly outcome: ToolOutcome }
