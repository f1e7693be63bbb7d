import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { address } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import type { SessionRecord } from '../../persistence/journal.ts'
import type { Caller } from './auth.ts'
import type { GatewayDeps } from './gateway.ts'
import { fingerprintOf, idempotencyKeyOf } from './idempotency-key.ts'
import { OpenTurnCounts, type Release } from './open-turns.ts'
import { mayBegin, sessionIdOf, uuidOf } from './session-id.ts'
import { traceOf } from './trace.ts'

/** The ids of a request that changes a session, fixed before anything is sent. */
export interface Ticket {
  readonly sessionId: string
  /** Id of the envelope: the client's `event_id` and the turn's id. */
  readonly envelopeId: string
  /** As the request names the session, if it does. */
  readonly named?: string
  /** The same Idempotency-Key was seen before: what it asked for may have happened long ago. */
  readonly repeated: boolean
  /** The id was drawn just now, so no one else can own it. */
  readonly fresh: boolean
  /** Gives back the turn's place in its session's queue: to be called when nothing was sent. */
  readonly release?: Release
}

/** What a request is about to ask for, as far as it needs a place in the session's queue of turns. */
export interface Seating {
  readonly intervenes?: boolean
  readonly personaId?: string
}

interface Owned {
  readonly tenant: string
  readonly personaId: string
}

export interface Birth {
  readonly personaId?: string
  readonly metadata?: Readonly<Record<string, unknown>>
  /** As the request names the session, if it does. */
  readonly named?: string
}

const OWNED_MAX = 50_000
/** Ownership never changes, but a session deleted through another gateway should be seen to be gone. */
const OWNED_MS = 60_000

/**
 * The only way from a request to a session.
 *   D1. A session answers its tenant alone; to any other it does not exist (SESSION_NOT_FOUND, whatever the route).
 *   D2. `send` resolves only when the mailbox has the envelope (I1).
 *   D3. The same Idempotency-Key gives the same envelope and session ids, on every gateway and after any crash; so
 *       sending again is the same envelope, which the session applies once (I3).
 *   D4. A turn beyond what its session takes is refused before it is sent and before its key is remembered (I9).
 */
export class SessionDoor {
  readonly #deps: GatewayDeps
  readonly #owned = new LRUCache<string, Owned>({ max: OWNED_MAX, ttl: OWNED_MS })
  readonly #openTurns: OpenTurnCounts

  constructor(deps: GatewayDeps) {
    this.#deps = deps
    this.#openTurns = new OpenTurnCounts(deps)
  }

  /** With `seating`, the ticket of a turn: TURN_QUEUE_FULL when the session has too many. */
  async ticket(request: FastifyRequest, name?: string, seating?: Seating): Promise<Ticket> {
    const { tenant } = request.caller
    const key = idempotencyKeyOf(request)
    const { ids } = this.#deps
    const named = name === undefined || name === '' ? undefined : sessionIdOf(tenant, name)
    const sessionId = named ?? (key === undefined ? ids.uuid() : uuidOf('key-session', tenant, key))
    const envelopeId = key === undefined ? ids.uuid() : uuidOf('key', tenant, key)
    // Before the key is remembered: one that was refused is a new request when it comes again (D4).
    const release = seating && (await this.seat(request.caller, sessionId, envelopeId, seating))
    const ticket = { sessionId, envelopeId, ...(name ? { named: name } : {}), ...(release && { release }) }
    if (key === undefined) return { ...ticket, repeated: false, fresh: named === undefined }
    try {
      return { ...ticket, repeated: await this.#repeats(request, key, ticket), fresh: false }
    } catch (error) {
      release?.()
      throw error
    }
  }

  /** D4. */
  seat({ tenant }: Caller, sessionId: string, turnId: string, seating: Seating): Promise<Release> {
    const { personas } = this.#deps
    const owned = this.#owned.get(sessionId)
    const personaId = seating.personaId ?? (owned?.tenant === tenant ? owned.personaId : personas.defaultId)
    const persona = personas.get(personaId) ?? personas.get(personas.defaultId)
    const limit = (persona?.limits.queuedTurns ?? 0) + 1
    return this.#openTurns.take({ tenant, sessionId, turnId, limit, intervenes: seating.intervenes ?? false })
  }

  /** The key was seen before. */
  async #repeats(request: FastifyRequest, key: string, ticket: Pick<Ticket, 'sessionId' | 'envelopeId'>) {
    const { tenant } = request.caller
    const fingerprint = fingerprintOf(request)
    const answer = { session_id: ticket.sessionId, event_id: ticket.envelopeId, request_id: request.id }
    const entry = await this.#deps.idempotency.remember({
      tenant,
      key,
      fingerprint,
      answer,
      at: this.#deps.clock.now(),
    })
    if (entry.fingerprint !== fingerprint) {
      throw new Failure('IDEMPOTENCY_CONFLICT', `\`${key}\` belongs to an earlier, different request.`)
    }
    return (entry.answer as { request_id?: string }).request_id !== request.id
  }

  /** Sends to a session that may be born by it. */
  async open(request: FastifyRequest, ticket: Ticket, command: SessionCommand, birth: Birth): Promise<void> {
    await this.#seated(ticket, () => this.#open(request, ticket, command, birth))
  }

  async #open(request: FastifyRequest, ticket: Ticket, command: SessionCommand, birth: Birth): Promise<void> {
    const { caller } = request
    this.checkPersona(birth.personaId)
    this.#refuseQuarantined(ticket.sessionId)
    const record = this.#birthRecord(caller, ticket.sessionId, birth)
    if (ticket.fresh) {
      // Nobody else can claim a random id, so the two writes need not wait for each other. Should the claim fail, the
      // session's own first append births the record under the envelope's tenant.
      await Promise.all([this.#deps.records.claim(record), this.#mail(request, ticket, command)])
      this.#owned.set(ticket.sessionId, { tenant: record.tenant, personaId: record.personaId })
      return
    }
    await this.#enter(caller, ticket.sessionId, mayBegin(ticket.named) ? record : undefined)
    await this.#mail(request, ticket, command)
  }

  checkPersona(personaId: string | null | undefined): void {
    if (personaId == null || this.#deps.personas.get(personaId)) return
    throw new Failure('PERSONA_NOT_FOUND', `\`${personaId}\` is none of the personas here.`)
  }

  /** Sends to a session that must be there. */
  async send(request: FastifyRequest, ticket: Ticket, command: SessionCommand): Promise<void> {
    await this.#seated(ticket, async () => {
      await this.require(request.caller, ticket.sessionId)
      this.#refuseQuarantined(ticket.sessionId)
      await this.#mail(request, ticket, command)
    })
    if (command.kind === 'Delete') this.#owned.delete(ticket.sessionId)
  }

  async #seated(ticket: Ticket, send: () => Promise<void>): Promise<void> {
    try {
      await send()
    } catch (error) {
      ticket.release?.()
      throw error
    }
  }

  /** D1, for what a session is given beside its messages: it is born when it is not there. */
  async enter(caller: Caller, sessionId: string, birth: Birth = {}): Promise<void> {
    this.checkPersona(birth.personaId)
    this.#refuseQuarantined(sessionId)
    await this.#enter(
      caller,
      sessionId,
      mayBegin(birth.named) ? this.#birthRecord(caller, sessionId, birth) : undefined,
    )
  }

  /** D1, for reading: the record is looked at each time, as another process may have deleted the session since. */
  async require(caller: Caller, sessionId: string): Promise<void> {
    const { tenant, personaId } = await this.record(caller, sessionId)
    this.#owned.set(sessionId, { tenant, personaId })
  }

  async record(caller: Caller, sessionId: string): Promise<SessionRecord> {
    return this.#mine(caller, sessionId, await this.#deps.records.get(sessionId))
  }

  async #enter(caller: Caller, sessionId: string, birth: SessionRecord | undefined): Promise<void> {
    const owner = this.#owned.get(sessionId)
    if (owner?.tenant === caller.tenant) return
    let record = owner === undefined ? await this.#deps.records.get(sessionId) : undefined
    if (!record && owner === undefined && birth) record = await this.#deps.records.claim(birth)
    const { tenant, personaId } = this.#mine(caller, sessionId, record)
    this.#owned.set(sessionId, { tenant, personaId })
  }

  #mine(caller: Caller, sessionId: string, record: SessionRecord | undefined): SessionRecord {
    if (!record || record.tenant !== caller.tenant) {
      throw new Failure('SESSION_NOT_FOUND', `There is no session ${sessionId}.`)
    }
    if (record.state === 'deleted') {
      this.#owned.delete(sessionId)
      throw new Failure('SESSION_DELETED', `Session ${sessionId} was deleted.`)
    }
    return record
  }

  #refuseQuarantined(sessionId: string): void {
    if (!this.#deps.operations.isQuarantined(address('session', sessionId))) return
    throw new Failure('SESSION_QUARANTINED', `Session ${sessionId} waits for an operator.`, { retryAfter: 60 })
  }

  #mail(request: FastifyRequest, ticket: Ticket, command: SessionCommand): Promise<void> {
    const envelope: Envelope<SessionCommand> = {
      id: ticket.envelopeId,
      to: address('session', ticket.sessionId),
      from: 'gateway',
      tenant: request.caller.tenant,
      priority: isTurn(command) ? 'normal' : 'control',
      trace: traceOf(request),
      sentAt: this.#deps.clock.now(),
      body: command,
    }
    return this.#deps.mailbox.send(envelope)
  }

  #birthRecord(caller: Caller, sessionId: string, birth: Birth): SessionRecord {
    const now = this.#deps.clock.now()
    return {
      sessionId,
      tenant: caller.tenant,
      personaId: birth.personaId ?? this.#deps.personas.defaultId,
      metadata: birth.metadata ?? {},
      state: 'idle',
      createdAt: now,
      updatedAt: now,
      ...(caller.subject === undefined ? {} : { subject: caller.subject }),
      ...(caller.issuer === undefined ? {} : { issuer: caller.issuer }),
      ...(caller.scope === undefined ? {} : { scope: caller.scope }),
    }
  }
}

/** What adds work waits its turn; what steers work may use the reserve of a full mailbox. */
function isTurn(command: SessionCommand): boolean {
  return ['AcceptUserTurn', 'Act', 'Import', 'RequestTool'].includes(command.kind)
}
