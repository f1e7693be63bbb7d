import { type Address, shardOf } from '../../actors/kernel/address.ts'

/**
 * How long each session was gone after a fault that hit it. Pure.
 *
 * A session counts when somebody waited for it: a turn of it was open at the fault, or posted in the moment after it (the
 * drill makes the clients of all that is hit speak then, Load.hurry). Its time runs from the fault to the end of its next
 * completed turn, the scripted work of that turn included. Of a client that first speaks seconds later nobody can tell how
 * long the session had been back: its time would be that of its thinking.
 */
export interface FaultRecord {
  /** Epoch milliseconds. */
  readonly at: number
  readonly what: string
  /** Sessions that were on what was hit. */
  readonly sessions: ReadonlySet<string>
}

export interface TurnSeen {
  readonly sessionId: string
  readonly postedAt: number
  /** When the final was journaled. */
  readonly journaledAt: number
  /** When a client saw it. */
  readonly finalAt: number
}

/** A session that is hit again before it was back waits on: its time counts from the first fault. */
export function recoveries(faults: readonly FaultRecord[], turns: readonly TurnSeen[]): number[] {
  const ordered = [...faults].sort((a, b) => a.at - b.at)
  const bySession = new Map<string, TurnSeen[]>()
  for (const turn of [...turns].sort((a, b) => a.finalAt - b.finalAt)) {
    const own = bySession.get(turn.sessionId) ?? []
    bySession.set(turn.sessionId, own)
    own.push(turn)
  }
  return [...bySession].flatMap(([sessionId, own]) => {
    const hits = ordered.filter((fault) => fault.sessions.has(sessionId))
    return timesOf(hits, own)
  })
}

/** Who was told to speak at the fault has done so by then. */
const SPEAKING_MS = 500

function timesOf(hits: readonly FaultRecord[], own: readonly TurnSeen[]): number[] {
  const times: number[] = []
  let goneSince: number | undefined
  for (const [index, fault] of hits.entries()) {
    const next = own.find((turn) => after(turn, fault.at))
    if (!next) break
    if (goneSince === undefined && next.postedAt <= fault.at + SPEAKING_MS) goneSince = fault.at
    if (goneSince === undefined) continue
    const again = hits[index + 1]
    if (again && next.finalAt >= again.at) continue
    times.push(next.finalAt - goneSince)
    goneSince = undefined
  }
  return times
}

/** Journaled before the fault and seen a moment after it is no recovery: it was only still on its way. */
function after(turn: TurnSeen, at: number): boolean {
  return turn.journaledAt > at && turn.finalAt > at
}

export function shardOfSession(sessionId: string): number {
  return shardOf(`session:${sessionId}` as Address)
}
