import { setTimeout as pause } from 'node:timers/promises'
import type { ConversationEvent } from '../../transports/outbound.ts'
import { Chance } from './chance.ts'
import { Door, Entrance } from './door.ts'
import type { AcceptedMessage } from './ledger.ts'
import { StreamReader } from './stream-reader.ts'
import type { TurnPhases } from './turn-phases.ts'
import type { TurnPlan } from './turn-plans.ts'
import { wallClock } from './wall-clock.ts'

export interface LoadOptions {
  /** Gateways; a client begins at one of them and goes to the next when that one fails it. */
  readonly urls: readonly string[]
  readonly token?: string
  /** Marks the sessions: `NAME-0`, `NAME-1`… */
  readonly name: string
  readonly sessions: number
  readonly seed: number
  readonly phases: TurnPhases
  readonly pace: Pace
  plan(key: string, chance: Chance): TurnPlan
}

/** How long a client thinks between an answer and its next message; or turns a second of all clients together. */
export type Pace = { readonly thinkMs: readonly [number, number] } | { readonly rate: number }

/** One accepted message in time, as its client felt it. Epoch milliseconds. */
export interface TurnTime {
  readonly key: string
  readonly sessionId: string
  readonly turnId: string
  /** When it was first sent. */
  readonly postedAt: number
  readonly acceptedAt: number
  /** When its final was seen on a stream. */
  finalAt?: number
}

export interface Said {
  readonly status: number
  readonly sessionId?: string
  readonly turnId?: string
  readonly code?: string | undefined
  readonly retryAfter?: number | undefined
}

/** Doubling. */
const RETRY_MS = [20, 320] as const
const POST_TIMEOUT_MS = 10_000
/** A message that no gateway has taken by then is a failed request, however often it was sent. */
const ACCEPT_MS = 30_000
/** Every so many sessions have a second reader, which joins late and reads from the start. */
const SECOND_READER_EVERY = 10
const SECOND_READER_MS = 2_000
const QUEUED_SHARE = 0.2
const REPEATED_SHARE = 0.1

/**
 * The clients of a drill: each holds a conversation, follows its stream, and does what a careful client does when the
 * connection breaks: sends again with the same Idempotency-Key, through another gateway if there is one, and resumes the
 * stream at its cursor.
 */
export class Load {
  readonly accepted: AcceptedMessage[] = []
  readonly turns: TurnTime[] = []
  readonly readers: StreamReader[] = []
  /** Posts that got an answer which no honest client deserves, or none in time. */
  readonly refused: string[] = []
  finals = 0
  /** Sendings that had to be repeated: refused with 503 or 429, or their connection broke. */
  retries = 0
  readonly #options: LoadOptions
  readonly #answered = new Map<string, number>()
  readonly #open = new Map<string, TurnTime>()
  readonly #waiting = new Map<string, () => void>()
  /** Ends the thinking of the client of a session. */
  readonly #thinking = new Map<string, () => void>()
  readonly #end = new AbortController()
  readonly #entrance: Entrance
  readonly #running: Promise<void>[] = []
  #closing = false

  constructor(options: LoadOptions) {
    this.#options = options
    this.#entrance = new Entrance(options.urls, POST_TIMEOUT_MS, options.token)
  }

  start(): void {
    for (let n = 0; n < this.#options.sessions; n++) this.#running.push(this.#converse(n))
  }

  get sessionIds(): readonly string[] {
    return [...new Set(this.accepted.map((message) => message.sessionId))]
  }

  /** Accepted and not yet answered. */
  get open(): readonly TurnTime[] {
    return [...this.#open.values()]
  }

  /** Their clients think no longer, and speak: only of a session that is asked can be told how long it was gone. */
  hurry(sessionIds: Iterable<string>): void {
    for (const sessionId of sessionIds) this.#thinking.get(sessionId)?.()
  }

  /** No new messages. Resolves when every accepted one is answered, or after `withinMs`; true: all are. */
  async drained(withinMs: number): Promise<boolean> {
    this.#closing = true
    const late = pause(withinMs, false, { ref: false })
    return Promise.race([Promise.all(this.#running).then(() => true), late])
  }

  /** Lets go of the streams. */
  close(): void {
    this.#closing = true
    this.#end.abort()
    this.#entrance.destroy()
  }

  /**
   * One sending of one message to a session of your own choice, its answer told as it came; accepted, it is one of ours and
   * answered for in the end.
   */
  async say(session: string, plan: TurnPlan): Promise<Said> {
    const door = new Door(this.#entrance, 0)
    const postedAt = wallClock()
    const { status, json, retryAfter } = await this.#send(door, session, plan)
    if (status !== 200) return { status, retryAfter, code: (json as { code?: string }).code }
    const { session_id, event_id } = json as { readonly session_id: string; readonly event_id: string }
    if (!this.sessionIds.includes(session_id)) this.#read(0, `reader of ${session}`, session_id, 'after')
    this.#options.phases.accepted(session_id, event_id, plan.key)
    this.accepted.push({ key: plan.key, sessionId: session_id, eventIds: [event_id], calls: plan.calls })
    this.#time(plan.key, session_id, event_id, postedAt)
    return { status, sessionId: session_id, turnId: event_id }
  }

  async #converse(n: number): Promise<void> {
    const { seed, name } = this.#options
    const chance = new Chance(seed * 100_003 + n)
    const door = new Door(this.#entrance, n)
    // Sessions do not begin in step.
    await pause(this.#thinkMs(chance, 0, 0) * chance.next())
    let sessionId = ''
    for (let turn = 0; !this.#closing; ) {
      const from = wallClock()
      const burst = chance.next() < QUEUED_SHARE ? 3 : 1
      const answers: Promise<void>[] = []
      for (let i = 0; i < burst && !this.#closing; i++, turn++) {
        const plan = this.#options.plan(`${name}-s${n}-t${turn}`, chance)
        const message = await this.#post(door, `${name}-${n}`, plan, chance.next() < REPEATED_SHARE)
        if (!message) return
        if (turn === 0) this.#follow(n, message.sessionId)
        sessionId = message.sessionId
        answers.push(...message.eventIds.map((eventId) => this.#answer(eventId)))
      }
      await Promise.all(answers)
      if (this.#closing) return
      await this.#think(sessionId, this.#thinkMs(chance, burst, wallClock() - from))
    }
  }

  async #think(sessionId: string, ms: number): Promise<void> {
    const enough = new AbortController()
    this.#thinking.set(sessionId, () => enough.abort())
    await pause(ms, undefined, { signal: enough.signal }).catch(() => {})
    this.#thinking.delete(sessionId)
  }

  /** With a rate, what the turns took is part of the time between them. */
  #thinkMs(chance: Chance, burst: number, tookMs: number): number {
    const { pace, sessions } = this.#options
    if ('thinkMs' in pace) return burst === 0 ? pace.thinkMs[1] : chance.between(...pace.thinkMs)
    const everyMs = (1_000 * sessions * Math.max(1, burst)) / pace.rate
    return Math.max(0, everyMs * (0.5 + chance.next()) - tookMs)
  }

  /** Until a 2xx says that it is accepted. */
  async #post(door: Door, session: string, plan: TurnPlan, twice: boolean): Promise<AcceptedMessage | undefined> {
    const eventIds: string[] = []
    const postedAt = wallClock()
    let accepted: AcceptedMessage | undefined
    let wait: number = RETRY_MS[0]
    for (let times = twice ? 2 : 1; times > 0 && !this.#end.signal.aborted; ) {
      const answer = await this.#send(door, session, plan).catch(() => undefined)
      if (answer?.status === 200) {
        times--
        const told = answer.json as { readonly session_id: string; readonly event_id: string }
        if (!eventIds.includes(told.event_id)) eventIds.push(told.event_id)
        this.#options.phases.accepted(told.session_id, told.event_id, plan.key)
        if (!accepted) {
          accepted = { key: plan.key, sessionId: told.session_id, eventIds, calls: plan.calls }
          this.accepted.push(accepted)
          this.#time(plan.key, told.session_id, told.event_id, postedAt)
        }
        continue
      }
      const honest = answer === undefined || answer.status === 503 || answer.status === 429
      if (!honest || wallClock() - postedAt > ACCEPT_MS) {
        const why = answer ? `${answer.status} ${JSON.stringify(answer.json).slice(0, 300)}` : 'no answer'
        this.refused.push(`${plan.key} by ${door.url}: ${why}`)
        return undefined
      }
      this.retries++
      door.next()
      await pause(wait)
      wait = Math.min(wait * 2, RETRY_MS[1])
    }
    return accepted
  }

  #time(key: string, sessionId: string, turnId: string, postedAt: number): void {
    const turn: TurnTime = { key, sessionId, turnId, postedAt, acceptedAt: wallClock() }
    const finalAt = this.#answered.get(turnId)
    this.turns.push(Object.assign(turn, finalAt !== undefined && { finalAt }))
    if (finalAt === undefined) this.#open.set(turnId, turn)
  }

  /** Rejects also when the connection breaks inside the answer: the client does not know then, and sends again. */
  async #send(
    door: Door,
    session: string,
    plan: TurnPlan,
  ): Promise<{ readonly status: number; readonly json: unknown; readonly retryAfter: number | undefined }> {
    const { statusCode, headers, body } = await door.request({
      method: 'POST',
      path: '/v1/session/message',
      headers: { 'content-type': 'application/json', 'idempotency-key': `${session}/${plan.key}` },
      body: JSON.stringify({ session_id: session, message: plan.text, metadata: { drill: plan.key } }),
    })
    const retryAfter = headers['retry-after'] === undefined ? undefined : Number(headers['retry-after'])
    return { status: statusCode, json: await body.json(), retryAfter }
  }

  #follow(n: number, sessionId: string): void {
    this.#read(n, `reader of session ${n}`, sessionId, n % 2 === 0 ? 'Last-Event-ID' : 'after')
    if (n % SECOND_READER_EVERY !== 0) return
    // Through another gateway than the first: two gateways serve one session.
    void pause(SECOND_READER_MS).then(() => this.#read(n + 1, `late reader of session ${n}`, sessionId, 'after'))
  }

  #read(gateway: number, name: string, sessionId: string, resumeBy: 'Last-Event-ID' | 'after'): void {
    if (this.#end.signal.aborted) return
    const { phases } = this.#options
    const reader = new StreamReader({
      name,
      door: new Door(this.#entrance, gateway),
      sessionId,
      resumeBy,
      onEvent: (event) => {
        phases.event(event)
        if (event.type === 'assistant.final') this.#final(event)
      },
      onPreview: (event) => phases.event(event),
    })
    this.readers.push(reader)
    void reader.follow(this.#end.signal)
  }

  #final(event: ConversationEvent): void {
    const turnId = String(event.metadata.turn_id)
    if (this.#answered.has(turnId)) return
    const at = wallClock()
    this.#answered.set(turnId, at)
    this.finals++
    const turn = this.#open.get(turnId)
    if (turn) turn.finalAt = at
    this.#open.delete(turnId)
    this.#waiting.get(turnId)?.()
    this.#waiting.delete(turnId)
  }

  #answer(turnId: string): Promise<void> {
    if (this.#answered.has(turnId)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.set(turnId, resolve))
  }
}
