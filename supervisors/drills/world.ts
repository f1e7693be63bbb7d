import { setTimeout as pause } from 'node:timers/promises'
import { SHARDS_PER_KIND } from '../../actors/kernel/address.ts'
import type { Chance } from './chance.ts'
import type { Demand } from './drill-report.ts'
import type { Load, TurnTime } from './load.ts'
import { distribution } from './recovery.ts'
import { type FaultRecord, shardOfSession } from './session-recovery.ts'
import { type DrillTarget, sessionShards } from './target.ts'
import { wallClock } from './wall-clock.ts'

export interface WorldOptions {
  /** Of this run of the drill; what the drill makes is named after it. */
  readonly name: string
  readonly target: DrillTarget
  readonly load: Load
  readonly sessions: number
  readonly chance: Chance
  /** How often the drill works its fault. */
  readonly repeat: number
  readonly progress: (line: string) => void
  readonly signal: AbortSignal | undefined
}

/** Who asks for the moment in which everything that was open at a fault has been answered waits no longer than this. */
const SETTLE_MS = 45_000
const LOOK_MS = 25
const AWAKE_MS = 30_000
const BALANCE_MS = 20_000
/** Turns of so long are compared with those of as long before. */
const EASE_WINDOW_MS = 5_000
const EASED = 0.85
/** The scripted work of a turn and a few hops through the log take half of it. */
const EASY_TURN_MS = 400

/** What a drill does its work with, and where it writes down what it did. */
export class World {
  readonly name: string
  readonly target: DrillTarget
  readonly load: Load
  readonly chance: Chance
  readonly repeat: number
  readonly faults: FaultRecord[] = []
  readonly demands: Demand[] = []
  readonly #options: WorldOptions
  #warmAt = 0

  constructor(options: WorldOptions) {
    const { name, target, load, chance, repeat } = options
    this.name = name
    this.target = target
    this.load = load
    this.chance = chance
    this.repeat = repeat
    this.#options = options
  }

  progress(line: string): void {
    this.#options.progress(line)
  }

  demand(what: string, met: boolean, found: string): void {
    this.demands.push({ what, met, found })
  }

  /** The means of a cluster of its own; drills that need them are not offered elsewhere (drills.ts). */
  get own() {
    const { own } = this.target
    if (!own) throw new Error('this drill needs a cluster of its own')
    return own
  }

  /** Runs `once` as often as the drill is to be repeated, each time with the load at work again. */
  async times(once: (n: number) => Promise<void>, count = this.repeat): Promise<void> {
    for (let n = 0; n < count; n++) {
      this.#options.signal?.throwIfAborted()
      await pause(this.chance.between(500, 1_500))
      await this.balanced()
      await once(n)
    }
  }

  /** Until as many turns were answered as there are sessions: what starts for the first time is slow, and no fault's fault. */
  async awake(withinMs = AWAKE_MS): Promise<void> {
    const { load, sessions } = this.#options
    for (const until = wallClock() + withinMs; load.finals < sessions && wallClock() < until; ) await pause(LOOK_MS)
    this.#warmAt = wallClock()
  }

  /**
   * Until turns are quick, and get no quicker. Processes and brokers that have just started are slow for half a minute (turns took
   * 1.4 s, and 0.25 s when all was compiled): a fault then would measure that, and not the recovery.
   */
  async atEase(withinMs: number): Promise<void> {
    let before = Number.POSITIVE_INFINITY
    for (const until = wallClock() + withinMs; wallClock() < until; ) {
      this.#warmAt = wallClock()
      await pause(EASE_WINDOW_MS)
      const now = this.turnTimes(Number.POSITIVE_INFINITY).before.p50
      if (now <= EASY_TURN_MS && now >= before * EASED) return
      before = now
    }
  }

  /** Turns posted before this are no measure. */
  get warmAt(): number {
    return this.#warmAt
  }

  /** Until every node has about its share: a fault of one that owns nothing would show nothing. */
  async balanced(withinMs = BALANCE_MS): Promise<void> {
    const least = Math.floor(SHARDS_PER_KIND / this.target.nodes.length / 2)
    for (const until = wallClock() + withinMs; wallClock() < until; await pause(10 * LOOK_MS)) {
      const owned = await sessionShards(this.target).catch(() => new Map<string, Set<number>>())
      if (this.target.nodes.every((node) => (owned.get(node)?.size ?? 0) >= least)) return
    }
    this.progress(`not every node has its share after ${withinMs} ms; going on`)
  }

  /** How long turns took since then, against those before. */
  turnTimes(from: number, which: (turn: { readonly key: string }) => boolean = () => true) {
    const took = (turns: readonly TurnTime[]) =>
      distribution(turns.flatMap(({ postedAt, finalAt }) => (finalAt === undefined ? [] : [finalAt - postedAt])))
    const turns = this.load.turns.filter(which)
    return {
      before: took(turns.filter(({ postedAt }) => postedAt >= this.#warmAt && postedAt < from)),
      during: took(turns.filter(({ postedAt }) => postedAt >= from)),
    }
  }

  /** Sessions of the shards that this node owns now. */
  async sessionsOf(node: string): Promise<ReadonlySet<string>> {
    const shards = (await sessionShards(this.target)).get(node) ?? new Set<number>()
    return new Set(this.load.sessionIds.filter((id) => shards.has(shardOfSession(id))))
  }

  /** Sessions whose stream is on this gateway now. */
  sessionsAt(url: string): ReadonlySet<string> {
    return new Set(this.load.readers.filter((reader) => reader.url === url).map(({ sessionId }) => sessionId))
  }

  get allSessions(): ReadonlySet<string> {
    return new Set(this.load.sessionIds)
  }

  /** Written down at the moment it is done. */
  fault(what: string, on: string, sessions: ReadonlySet<string>): void {
    const open = this.load.open.filter(({ sessionId }) => sessions.has(sessionId)).length
    this.faults.push({ at: wallClock(), what, sessions })
    this.load.hurry(sessions)
    this.progress(
      `${this.faults.length}. ${what} ${on}: ${sessions.size} sessions on it, ${open} of their turns open; ` +
        `${this.load.accepted.length} accepted, ${this.load.finals} answered`,
    )
  }

  /** Until every turn that is open now has been answered. False: some were not, in all that time. */
  async settled(withinMs = SETTLE_MS): Promise<boolean> {
    const from = wallClock()
    const waiting = this.load.open
    for (;;) {
      if (waiting.every(({ finalAt }) => finalAt !== undefined)) return true
      if (wallClock() - from > withinMs) break
      this.#options.signal?.throwIfAborted()
      await pause(LOOK_MS)
    }
    const late = waiting.filter(({ finalAt }) => finalAt === undefined)
    this.progress(`${late.length} turns open at the fault are still not answered after ${withinMs} ms`)
    return false
  }
}
