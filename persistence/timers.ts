import type { ActorKind, Address } from '../actors/kernel/address.ts'

/** What appends say of timers (Append.timers), by the time at which they are due. Read by the owners of shards. */
export interface Timers {
  /** Due at that moment (epoch milliseconds) or before, of these shards, the earliest first, at most `limit`. */
  due(kind: ActorKind, shards: readonly number[], at: number, limit: number): Promise<DueTimer[]>
}

export interface DueTimer {
  readonly address: Address
  readonly timerId: string
  readonly tenant: string
  /** Epoch milliseconds. */
  readonly due: number
}

/** A timer of the appending address, from now on; `due: null` when there is none any more. */
export interface TimerChange {
  readonly timerId: string
  readonly tenant: string
  readonly due: number | null
}

/** The last word on each timer: a statement writes a row once. */
export function lastWords(changes: readonly TimerChange[]): TimerChange[] {
  return [...new Map(changes.map((change) => [change.timerId, change])).values()]
}
