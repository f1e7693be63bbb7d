import type { Envelope } from './envelope.ts'

/**
 * The pure half of a journaled actor. `decide` never waits and never throws for what a message says (it answers with
 * events or a dead letter); `evolve` is total. Effects are data that actor.ts performs after the append, and those
 * unfinished at a crash are derived again from the state (`pendingEffects`), so an effect is never journaled itself.
 */
export interface Behaviour<State, Command, Event, Effect> {
  readonly initial: State
  decide(state: State, command: Command, meta: CommandMeta): Decision<Event, Effect>
  evolve(state: State, event: Event): State
  /** What must be (re)started so that this state makes progress. Empty = the actor may be passivated. */
  pendingEffects(state: State): readonly Effect[]
}

export interface CommandMeta {
  /** Epoch milliseconds, read once per message. */
  readonly now: number
  readonly envelopeId: string
  readonly tenant: string
  readonly from: string
  /** Seq that the first event of this decision will have. */
  readonly nextSeq: number
  /** W3C traceparent of the handling; journaled with what goes on for longer than it. */
  readonly trace?: string | undefined
}

export interface Decision<Event, Effect> {
  readonly events: readonly Event[]
  /** Performed after the append, in order; lost in a crash, then re-derived by pendingEffects. */
  readonly effects?: readonly Effect[]
  /** Written with the events, relayed after (I4). The harness derives id, from, cause, trace. */
  readonly outbox?: readonly Outgoing[]
  /** The message makes no sense here: park it (I8) instead of changing state. */
  readonly deadLetter?: { readonly code: 'MALFORMED_MESSAGE' | 'UNROUTABLE' | 'EXPIRED'; readonly detail: string }
}

export type Outgoing = Pick<Envelope, 'to' | 'body'> & Partial<Pick<Envelope, 'priority' | 'deadline'>>

export const nothing: Decision<never, never> = { events: [] }

export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}
