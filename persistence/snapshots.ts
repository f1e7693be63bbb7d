import type { Address } from '../actors/kernel/address.ts'

/**
 * The latest state of an address, to shorten recovery. A cache only (I6): may be lost, stale or unreadable at any
 * moment, and then recovery reads more of the journal. `load` and `save` never reject; a failure is a miss, logged.
 */
export interface Snapshots {
  load(address: Address): Promise<Snapshot | undefined>
  save(address: Address, snapshot: Snapshot): Promise<void>
  remove(address: Address): Promise<void>
}

export interface Snapshot {
  readonly seq: number
  /** Version of the state's shape; another version is a miss. */
  readonly version: number
  readonly state: unknown
}
