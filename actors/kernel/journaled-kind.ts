import type { Append, Journal, StoredEvent } from '../../persistence/journal.ts'
import type { Snapshots } from '../../persistence/snapshots.ts'
import type { Delivery } from '../../transports/mailbox.ts'
import type { ActorContext, ActorSystem } from './actor.ts'
import type { Address } from './address.ts'
import type { Behaviour, CommandMeta } from './behaviour.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Envelope } from './envelope.ts'
import type { Span, SpanAttributes, SpanName, Trace, Tracer } from './tracing.ts'

/** What a kind of journaled actor is made of; journaled-actor.ts brings it to life. */
export interface JournaledKind<State, Command, Event, Effect> {
  readonly type: string
  readonly capacity: number
  readonly behaviour: Behaviour<State, Command, Event, Effect>
  readonly codec: EventCodec<Event>
  /** A wire body as a command; throws Failure MALFORMED_MESSAGE. Internal commands never pass here (see `Told`). */
  parse(body: unknown): Command
  /** Starts what the effect asks for and returns at once; results come back by `scope.tellSelf`. */
  perform(effect: Effect, scope: Scope<State, Command>): void
  /**
   * Adds what only the live activation knows (text streamed so far), or what is stored beside the state, to a command
   * before it is decided.
   */
  enrich?(command: Command, scope: Scope<State, Command>, meta: CommandMeta): Command | Promise<Command>
  /** Awaited before the first command of an address that has no events yet: what is known of it elsewhere. */
  hydrate?(): Promise<void>
  /**
   * The state and seq of an address as its rows have them, in place of a snapshot: of one moment, and the same as folding
   * its events would give.
   */
  recoverFromRows?(scope: Scope<State, Command>): Promise<{ readonly state: State; readonly seq: number }>
  /** The first command of an activation whose state has pending effects; without it they are performed as they are. */
  recovered?(): Command
  /** Rows derived from the new state, written with the events. */
  project?(
    after: State,
    events: readonly Event[],
    meta: CommandMeta,
  ): Pick<Append, 'record' | 'usage' | 'timers' | 'memories'>
  /** The traceparent of the work that is pending in this state, where it may be another than that of the message at hand. */
  traceOf?(state: State): string | undefined
  /** After the append: tell whoever watches. */
  announce?(scope: Scope<State, Command>, stored: readonly StoredEvent[]): void
  readonly snapshots?: { readonly version: number; readonly every: number }
}

export interface EventCodec<Event> {
  encode(event: Event): { readonly kind: string; readonly version: number; readonly data: unknown }
  /** Upcasts every version ever written; throws Failure UNREADABLE_EVENT for one from the future. */
  decode(stored: StoredEvent): Event
}

export interface Scope<State, Command> {
  readonly address: Address
  readonly context: ActorContext<Delivery>
  state(): State
  seq(): number
  /** Tells this actor a result of its own doing. `id` must differ for different results (I3). */
  tellSelf(command: Command, id: string, trace?: Trace): void
  /** Begins a span of what an effect does, below the work it is part of. */
  startSpan(name: SpanName, attributes?: SpanAttributes): Span
}

export interface JournaledActorParts {
  readonly journal: Journal
  readonly snapshots: Snapshots
  readonly deadLetters: DeadLetters
  readonly tell: ActorSystem['tell']
  readonly tracer?: Tracer | undefined
  readonly epochOf: (address: Address) => number
  /** Sends journaled outbox envelopes on; what it has not sent at a crash is found in the journal again. */
  readonly relay: { offer(envelopes: readonly Envelope[]): void }
}
