import { LRUCache } from 'lru-cache'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Announcement, Outbound } from '../outbound.ts'
import type { SessionReader } from './session-reader.ts'

/** Called when the request that took the seat sent nothing after all. */
export type Release = () => void

export interface Seat {
  readonly tenant: string
  readonly sessionId: string
  readonly turnId: string
  /** Turns that may be open at once: the one that runs and those that wait. */
  readonly limit: number
  /** An intervention is a turn only when none runs; else it steers that one and ends with it. */
  readonly intervenes: boolean
}

interface OpenTurn {
  readonly since: number
  readonly intervenes: boolean
  /** Its `user.message` was announced: the journal shows it until it ends. */
  journaled: boolean
}

interface OpenTurns {
  readonly sessionId: string
  readonly turns: Map<string, OpenTurn>
  readonly subscription: { close(): void }
  lookedAt: number
  looking: Promise<void> | undefined
  /** What the last look saw. */
  running: boolean
}

/** I9. Sessions counted at once; one pushed out is counted from nothing again, and its own hard limit holds. */
const SESSIONS_MAX = 20_000
/** A full session is looked up in the journal no more often than this, however many are refused meanwhile. */
const LOOK_MS = 1_000
/** A turn that no one saw journaled waits in the mailbox for so long; then it is taken for one that ended unheard. */
const UNSEEN_MS = 10_000

/**
 * The turns that this gateway sent and that have not ended, so that one too many is refused before it is accepted: an
 * answer of 200 means that the turn will be done. Soft state: lost with the process and not shared with other gateways;
 * what slips through meets the session's own, far larger limit.
 *   T1. A seat is taken before anything is sent or remembered, and in one go: requests side by side cannot share it.
 *   T2. No seat outlives its turn for good. It goes at the turn's `assistant.final`; should that announcement be lost,
 *       it goes at the next look into the journal, which comes before any refusal.
 *   T3. A session is listened to only while it has open turns.
 */
export class OpenTurnCounts {
  readonly #outbound: Outbound
  readonly #reader: Pick<SessionReader, 'view'>
  readonly #clock: Clock
  readonly #open = new LRUCache<string, OpenTurns>({
    max: SESSIONS_MAX,
    dispose: (open) => open.subscription.close(),
  })

  constructor(sources: {
    readonly outbound: Outbound
    readonly reader: Pick<SessionReader, 'view'>
    readonly clock: Clock
  }) {
    this.#outbound = sources.outbound
    this.#reader = sources.reader
    this.#clock = sources.clock
  }

  /** Sessions that have open turns. */
  get size(): number {
    return this.#open.size
  }

  async take(seat: Seat): Promise<Release> {
    // By tenant too: whoever names a session of another must not learn here that it is there, let alone fill it.
    const name = JSON.stringify([seat.tenant, seat.sessionId])
    const full = this.#full(name, seat)
    if (full) {
      await this.#look(full)
      const still = this.#full(name, seat)
      if (still) {
        if (seat.intervenes && still.running) return () => {}
        const detail = `${still.turns.size} turns of this session run or wait already.`
        throw new Failure('TURN_QUEUE_FULL', detail, { retryAfter: 1 })
      }
    }
    return this.#seat(name, seat)
  }

  #full(name: string, { turnId, limit }: Seat): OpenTurns | undefined {
    const open = this.#open.get(name)
    // A repeat under the same Idempotency-Key is the turn that has its seat.
    return open && open.turns.size >= limit && !open.turns.has(turnId) ? open : undefined
  }

  /** T1: nothing awaits between #full and here. */
  #seat(name: string, { sessionId, turnId, intervenes }: Seat): Release {
    const open = this.#open.get(name) ?? this.#listen(name, sessionId)
    if (open.turns.has(turnId)) return () => {}
    open.turns.set(turnId, { since: this.#clock.now(), intervenes, journaled: false })
    return () => this.#drop(name, open, turnId)
  }

  #listen(name: string, sessionId: string): OpenTurns {
    const open: OpenTurns = {
      sessionId,
      turns: new Map(),
      subscription: this.#outbound.subscribe(sessionId, {
        event: (announcement) => this.#heard(name, open, announcement),
        preview() {},
      }),
      lookedAt: Number.NEGATIVE_INFINITY,
      looking: undefined,
      running: false,
    }
    this.#open.set(name, open)
    return open
  }

  #heard(name: string, open: OpenTurns, { event }: Announcement): void {
    const turnId = String(event.metadata.turn_id)
    if (event.type === 'user.message') {
      const turn = open.turns.get(turnId)
      if (turn) turn.journaled = true
    } else if (event.type === 'user.intervention') {
      // It steers. A session takes its envelopes in order (I7), so it is the oldest that was not yet seen as a turn.
      const steering = [...open.turns].find(([, turn]) => turn.intervenes && !turn.journaled)
      if (steering) this.#drop(name, open, steering[0])
    } else if (event.type === 'assistant.final') {
      this.#drop(name, open, turnId)
    } else if (event.type === 'session.deleted') {
      for (const id of [...open.turns.keys()]) this.#drop(name, open, id)
    }
  }

  #drop(name: string, open: OpenTurns, turnId: string): void {
    open.turns.delete(turnId)
    // T3.
    if (open.turns.size === 0 && this.#open.peek(name) === open) this.#open.delete(name)
  }

  /** T2. */
  async #look(open: OpenTurns): Promise<void> {
    if (!open.looking) {
      if (this.#clock.now() - open.lookedAt < LOOK_MS) return
      open.lookedAt = this.#clock.now()
      open.looking = this.#correct(open).finally(() => {
        open.looking = undefined
      })
    }
    await open.looking
  }

  async #correct(open: OpenTurns): Promise<void> {
    // Only what was journaled before the look began must be in what it sees.
    const due = [...open.turns].filter(([, turn]) => turn.journaled || this.#clock.now() - turn.since >= UNSEEN_MS)
    // A journal that does not answer tells nothing: the count stands.
    const view = await this.#reader.view(open.sessionId).catch(() => undefined)
    if (!view) return
    open.running = view.runningTurnId !== undefined
    const alive = new Set([view.runningTurnId, ...view.queuedTurnIds])
    for (const [turnId] of due) if (!alive.has(turnId)) open.turns.delete(turnId)
  }
}
