import type { Delivery } from '../../transports/mailbox.ts'
import type { ActorContext, ActorRecipe } from './actor.ts'
import type { Address } from './address.ts'
import { type CommandMeta, type Decision, nothing } from './behaviour.ts'
import { derivedId, type Envelope } from './envelope.ts'
import { asFailure, Failure, type FailureCode, isFailure } from './failure.ts'
import type { JournaledActorParts, JournaledKind, Scope } from './journaled-kind.ts'
import { Told } from './told.ts'
import { during, type Span, type SpanAttributes, type SpanName, type Trace, traceOfWork, untraced } from './tracing.ts'

/**
 * Turns a pure behaviour into an actor that survives anything. One message is: parse, decide, append, evolve, settle,
 * announce, perform; in that order, because
 *   A1. nothing leaves the actor before it is journaled (I4);
 *   A2. a message is settled only when it is journaled, known to be a duplicate, or parked (I1, I8);
 *   A3. the state in memory is always the fold of the journal: a failed append changes nothing, and an activation that
 *       lost a race (`conflict`, `fenced`) throws and is never used again (I2);
 *   A4. recovery = snapshot + later events, then the effects that were pending (I6).
 */
const READ_PAGE = 1_000
/** A result of its own that finds even the reserve full is told again after this long. */
const RETELL_MS = 20

class Activation<State, Command, Event, Effect> implements Scope<State, Command> {
  readonly address: Address
  readonly context: ActorContext<Delivery>
  readonly #kind: JournaledKind<State, Command, Event, Effect>
  readonly #parts: JournaledActorParts
  readonly #epoch: number
  readonly #attributes: SpanAttributes
  #state: State
  #seq = 0
  #snapshotSeq = 0
  /** Of the message being handled: what it causes is part of that trace, unless the state says of which (#ofWork). */
  #trace: Trace = {}

  constructor(
    kind: JournaledKind<State, Command, Event, Effect>,
    parts: JournaledActorParts,
    address: Address,
    context: ActorContext<Delivery>,
  ) {
    this.#kind = kind
    this.#parts = parts
    this.address = address
    this.context = context
    this.#epoch = parts.epochOf(address)
    this.#attributes = { 'soma.kind': kind.type, 'soma.address': address }
    this.#state = kind.behaviour.initial
  }

  state(): State {
    return this.#state
  }

  seq(): number {
    return this.#seq
  }

  async recover(): Promise<void> {
    const { journal, snapshots } = this.#parts
    const wanted = this.#kind.snapshots
    const snapshot = wanted && (await snapshots.load(this.address))
    if (snapshot && snapshot.version === wanted.version) {
      this.#state = snapshot.state as State
      this.#seq = this.#snapshotSeq = snapshot.seq
    }
    const rows = await this.#kind.recoverFromRows?.(this)
    if (rows) [this.#state, this.#seq] = [rows.state, rows.seq]
    for (;;) {
      const page = await journal.read(this.address, this.#seq, READ_PAGE)
      for (const stored of page) {
        this.#state = this.#kind.behaviour.evolve(this.#state, this.#kind.codec.decode(stored))
        this.#seq = stored.seq
      }
      if (page.length < READ_PAGE) break
    }
    if (this.#seq === 0) await this.#kind.hydrate?.()
    const pending = this.#kind.behaviour.pendingEffects(this.#state)
    if (pending.length === 0) return
    if (!this.#kind.recovered) {
      this.#perform(pending)
      return
    }
    // One id per journaled position: recovering twice from the same seq is the same recovery.
    const id = `${this.address}/recovered/${this.#epoch}/${this.#seq}`
    await this.handle(this.#toSelf(this.#kind.recovered(), id))
  }

  async handle(delivery: Delivery): Promise<void> {
    const { tracer = untraced } = this.#parts
    const span = tracer.start('actor.handle', delivery.envelope.trace, this.#attributes)
    this.#trace = span.trace
    await during(span, () => this.#handle(delivery))
  }

  async #handle(delivery: Delivery): Promise<void> {
    const { envelope } = delivery
    const now = this.context.clock.now()
    if (envelope.deadline !== undefined && envelope.deadline < now) {
      await this.#park(delivery, 'EXPIRED', `its deadline passed ${now - envelope.deadline} ms ago`)
      return
    }
    const command = this.#commandOf(envelope)
    if (isFailure(command)) {
      await this.#park(delivery, command.code, command.detail)
      return
    }
    const meta: CommandMeta = {
      now,
      envelopeId: envelope.id,
      tenant: envelope.tenant,
      from: envelope.from,
      nextSeq: this.#seq + 1,
      trace: this.#trace.traceparent,
    }
    const added = this.#kind.enrich?.(command, this, meta) ?? command
    const enriched = added instanceof Promise ? await added : added
    const decision = this.#kind.behaviour.decide(this.#state, enriched, meta)
    if (decision.deadLetter) {
      await this.#park(delivery, decision.deadLetter.code, decision.deadLetter.detail)
      return
    }
    // A durable envelope is journaled even when it changes nothing: redelivered later it might mean something else
    // (a Stop that found no turn must not stop the next one).
    const local = delivery.position === undefined
    if (!local || decision.events.length > 0) {
      const applied = await this.#append(decision, envelope, meta)
      if (!applied) {
        delivery.settle()
        return
      }
    }
    delivery.settle()
    this.#perform(decision.effects ?? nothing.events)
  }

  async close(): Promise<void> {
    await this.#saveSnapshot(1)
  }

  tellSelf(command: Command, id: string, trace: Trace = this.#ofWork()): void {
    if (this.context.signal.aborted) return
    const told = this.#parts.tell(this.context.self, this.#toSelf(command, id, trace), 'control')
    if (told === 'mailbox-full') this.context.clock.after(RETELL_MS, () => this.tellSelf(command, id, trace))
  }

  startSpan(name: SpanName, attributes?: SpanAttributes): Span {
    return (this.#parts.tracer ?? untraced).start(name, this.#ofWork(), attributes)
  }

  #ofWork(): Trace {
    return traceOfWork(this.#kind.traceOf?.(this.#state), this.#trace)
  }

  #toSelf(command: Command, id: string, trace = this.#ofWork()): Delivery {
    const envelope: Envelope = {
      id,
      to: this.address,
      from: this.address,
      tenant: '',
      priority: 'control',
      trace,
      sentAt: this.context.clock.now(),
      body: new Told(command),
    }
    return { envelope, settle() {} }
  }

  #commandOf(envelope: Envelope): Command | Failure {
    if (envelope.body instanceof Told) return envelope.body.command as Command
    try {
      return this.#kind.parse(envelope.body)
    } catch (error) {
      const failure = asFailure(error)
      return failure.code === 'MALFORMED_MESSAGE'
        ? failure
        : new Failure('MALFORMED_MESSAGE', failure.detail, { cause: error })
    }
  }

  async #append(decision: Decision<Event, Effect>, envelope: Envelope, meta: CommandMeta): Promise<boolean> {
    const { behaviour, codec } = this.#kind
    const after = decision.events.reduce((state, event) => behaviour.evolve(state, event), this.#state)
    const events = decision.events.map((event) => ({ ...codec.encode(event), at: meta.now }))
    const outbox = (decision.outbox ?? []).map((outgoing, index) => this.#outgoing(outgoing, index, envelope, meta))
    if (outbox.length > 0 && events.length === 0) throw new Error('an outbox needs an event to derive its ids from')
    const result = await this.#parts.journal.append({
      address: this.address,
      epoch: this.#epoch,
      envelopeId: envelope.id,
      expectedSeq: this.#seq,
      events,
      outbox,
      unfinished: behaviour.pendingEffects(after).length > 0,
      trace: this.#trace,
      ...this.#kind.project?.(after, decision.events, meta),
    })
    switch (result.status) {
      case 'duplicate':
        return false
      case 'fenced':
        throw new Failure('EPOCH_FENCED', `${this.address}: epoch ${this.#epoch} is superseded`)
      case 'conflict':
        // Should a snapshot be from another past of this journal (a restored backup), the next recovery does without it.
        await this.#parts.snapshots.remove(this.address)
        throw new Failure('JOURNAL_CONFLICT', `${this.address}: another activation wrote after seq ${this.#seq}`)
      case 'appended': {
        const first = this.#seq + 1
        this.#state = after
        this.#seq += events.length
        if (outbox.length > 0) this.#parts.relay.offer(outbox)
        this.#kind.announce?.(
          this,
          events.map((event, index) => ({ ...event, seq: first + index, envelopeId: envelope.id })),
        )
        if (this.#kind.snapshots) await this.#saveSnapshot(this.#kind.snapshots.every)
        return true
      }
    }
  }

  #outgoing(
    outgoing: NonNullable<Decision<Event, Effect>['outbox']>[number],
    index: number,
    cause: Envelope,
    meta: CommandMeta,
  ): Envelope {
    return {
      ...outgoing,
      id: derivedId(this.address, meta.nextSeq, index),
      from: this.address,
      tenant: cause.tenant || this.#tenantOf(),
      cause: cause.id,
      priority: outgoing.priority ?? 'normal',
      trace: this.#trace,
      sentAt: meta.now,
    }
  }

  /** Results of its own carry no tenant; what they cause belongs to the tenant of the state. */
  #tenantOf(): string {
    const { tenant } = this.#state as { tenant?: unknown }
    return typeof tenant === 'string' ? tenant : ''
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) this.#kind.perform(effect, this)
  }

  async #park(delivery: Delivery, code: FailureCode, detail: string): Promise<void> {
    if (delivery.position !== undefined) {
      await this.#parts.deadLetters.park({
        envelope: delivery.envelope,
        source: this.address,
        code,
        detail,
        retries: 0,
        at: this.context.clock.now(),
      })
    }
    this.context.log.warn({ envelope: delivery.envelope.id, code, detail }, 'message parked')
    delivery.settle()
  }

  async #saveSnapshot(every: number): Promise<void> {
    const wanted = this.#kind.snapshots
    if (!wanted || this.#seq - this.#snapshotSeq < every) return
    this.#snapshotSeq = this.#seq
    await this.#parts.snapshots.save(this.address, { seq: this.#seq, version: wanted.version, state: this.#state })
  }
}

/** The recipe of an addressed, journaled actor of this kind. */
export function journaledActor<State, Command, Event, Effect>(
  kind: JournaledKind<State, Command, Event, Effect>,
  parts: JournaledActorParts,
): (address: Address) => ActorRecipe<Delivery, Scope<State, Command>> {
  return (address) => ({
    type: kind.type,
    capacity: kind.capacity,
    priorityOf: (delivery) => delivery.envelope.priority,
    async start(context) {
      const activation = new Activation(kind, parts, address, context)
      await activation.recover()
      return activation
    },
    async receive(scope, delivery) {
      await (scope as Activation<State, Command, Event, Effect>).handle(delivery)
      return scope
    },
    async stop(scope) {
      await (scope as Activation<State, Command, Event, Effect>).close()
    },
  })
}
