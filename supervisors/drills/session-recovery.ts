import { type Address, shardOf } from '../../actors/kernel/address.ts'

/**
 * How long each session was gone after a fault that hit it. Pure.
 *
 * A session counts when it waited for something: a turn of it was open at the fault, or was posted while nothing of its
 * shard had been answered since. Its time runs from the fault to the end of its next completed turn, the scripted work of
 * that turn included. A session that is first used when its shard has long been back says nothing of the recovery, and
 * would only make it look short.
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
  const byShard = new Map<number, TurnSeen[]>()
  for (const turn of [...turns].sort((a, b) => a.finalAt - b.finalAt)) {
    push(bySession, turn.sessionId, turn)
    push(byShard, shardOfSession(turn.sessionId), turn)
  }
  return [...bySession].flatMap(([sessionId, own]) => {
    const hits = ordered.filter((fault) => fault.sessions.has(sessionId))
    const neighbours = byShard.get(shardOfSession(sessionId)) ?? own
    return timesOf(hits, own, neighbours)
  })
}

function timesOf(hits: readonly FaultRecord[], own: readonly TurnSeen[], neighbours: readonly TurnSeen[]): number[] {
  const times: number[] = []
  let goneSince: number | undefined
  for (const [index, fault] of hits.entries()) {
    const next = own.find((turn) => after(turn, fault.at))
    if (!next) break
    const shardBackAt = neighbours.find((turn) => after(turn, fault.at))?.finalAt ?? next.finalAt
    if (goneSince === undefined && next.postedAt <= Math.max(fault.at, shardBackAt)) goneSince = fault.at
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

function push<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key)
  if (group) group.push(value)
  else groups.set(key, [value])
}
