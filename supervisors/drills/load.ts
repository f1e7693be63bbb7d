import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import type { ConversationEvent } from '../../transports/outbound.ts'
import { Chance } from './chance.ts'
import type { AcceptedMessage } from './ledger.ts'
import { StreamReader } from './stream-reader.ts'
import type { TurnPhases } from './turn-phases.ts'
import { planTurn, type TurnPlan } from './turn-plans.ts'

export interface LoadOptions {
  readonly url: string
  readonly sessions: number
  readonly seed: number
  readonly phases: TurnPhases
  /** How long a session's client thinks between an answer and its next message. */
  readonly thinkMs: readonly [number, number]
}

/** Doubling. */
const RETRY_MS = [20, 320] as const
const POST_TIMEOUT_MS = 10_000
/** Every so many sessions have a second reader, which joins late and reads from the start. */
const SECOND_READER_EVERY = 10
const SECOND_READER_MS = 2_000
const QUEUED_SHARE = 0.2
const REPEATED_SHARE = 0.1

/**
 * The clients of a drill: each holds a conversation, follows its stream, and does what a careful client does when the
 * connection breaks: sends again with the same Idempotency-Key, and resumes the stream at its cursor.
 */
export class Load {
  readonly accepted: AcceptedMessage[] = []
  readonly readers: StreamReader[] = []
  /** Posts that got an answer which no honest client deserves. */
  readonly refused: string[] = []
  finals = 0
  readonly #options: LoadOptions
  readonly #answered = new Set<string>()
  readonly #waiting = new Map<string, () => void>()
  readonly #end = new AbortController()
  readonly #service: Pool
  readonly #running: Promise<void>[] = []
  #closing = false

  constructor(options: LoadOptions) {
    this.#options = options
    // One client for all: a stream may be silent for as long as it likes, an answer to a post may not.
    this.#service = new Pool(options.url, { connections: null, bodyTimeout: 0, headersTimeout: POST_TIMEOUT_MS })
  }

  start(): void {
    for (let n = 0; n < this.#options.sessions; n++) this.#running.push(this.#converse(n))
  }

  get sessionIds(): readonly string[] {
    return [...new Set(this.accepted.map((message) => message.sessionId))]
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
    void this.#service.destroy()
  }

  async #converse(n: number): Promise<void> {
    const { seed, thinkMs } = this.#options
    const chance = new Chance(seed * 100_003 + n)
    const name = `drill-${seed}-${n}`
    // Sessions do not begin in step.
    await pause(chance.between(0, thinkMs[1]))
    for (let turn = 0; !this.#closing; ) {
      const burst = chance.next() < QUEUED_SHARE ? 3 : 1
      const answers: Promise<void>[] = []
      for (let i = 0; i < burst && !this.#closing; i++, turn++) {
        const plan = planTurn(`s${n}-t${turn}`, chance)
        const message = await this.#post(name, plan, chance.next() < REPEATED_SHARE)
        if (!message) return
        if (turn === 0) this.#follow(n, message.sessionId)
        answers.push(...message.eventIds.map((eventId) => this.#answer(eventId)))
      }
      await Promise.all(answers)
      await pause(chance.between(...thinkMs))
    }
  }

  /** Until a 2xx says that it is accepted. */
  async #post(session: string, plan: TurnPlan, twice: boolean): Promise<AcceptedMessage | undefined> {
    const eventIds: string[] = []
    let accepted: AcceptedMessage | undefined
    let wait: number = RETRY_MS[0]
    for (let times = twice ? 2 : 1; times > 0 && !this.#end.signal.aborted; ) {
      const answer = await this.#send(session, plan).catch(() => undefined)
      if (answer?.status === 200) {
        times--
        const told = answer.json as { readonly session_id: string; readonly event_id: string }
        if (!eventIds.includes(told.event_id)) eventIds.push(told.event_id)
        this.#options.phases.accepted(told.session_id, told.event_id, plan.key)
        if (!accepted) {
          accepted = { key: plan.key, sessionId: told.session_id, eventIds, calls: plan.calls }
          this.accepted.push(accepted)
        }
        continue
      }
      if (answer && answer.status !== 503 && answer.status !== 429) {
        this.refused.push(`${plan.key}: ${answer.status} ${JSON.stringify(answer.json).slice(0, 300)}`)
        return undefined
      }
      await pause(wait)
      wait = Math.min(wait * 2, RETRY_MS[1])
    }
    return accepted
  }

  /** Rejects also when the connection breaks inside the answer: the client does not know then, and sends again. */
  async #send(session: string, plan: TurnPlan): Promise<{ readonly status: number; readonly json: unknown }> {
    const { statusCode, body } = await this.#service.request({
      method: 'POST',
      path: '/v1/session/message',
      headers: { 'content-type': 'application/json', 'idempotency-key': `${session}/${plan.key}` },
      body: JSON.stringify({ session_id: session, message: plan.text, metadata: { drill: plan.key } }),
    })
    return { status: statusCode, json: await body.json() }
  }

  #follow(n: number, sessionId: string): void {
    this.#read(`reader of session ${n}`, sessionId, n % 2 === 0 ? 'Last-Event-ID' : 'after')
    if (n % SECOND_READER_EVERY !== 0) return
    void pause(SECOND_READER_MS).then(() => this.#read(`late reader of session ${n}`, sessionId, 'after'))
  }

  #read(name: string, sessionId: string, resumeBy: 'Last-Event-ID' | 'after'): void {
    const { phases } = this.#options
    const reader = new StreamReader({
      name,
      service: this.#service,
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
    this.#answered.add(turnId)
    this.finals++
    this.#waiting.get(turnId)?.()
    this.#waiting.delete(turnId)
  }

  #answer(turnId: string): Promise<void> {
    if (this.#answered.has(turnId)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.set(turnId, resolve))
  }
}
