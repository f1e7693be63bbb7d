import type { Address } from '../actors/kernel/address.ts'
import { kindOf, shardKey, shardOf } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { ShardLease } from './epochs.ts'
import type { SessionRecord, StoredEvent } from './journal.ts'
import type { MemoryRow } from './memory-rows.ts'
import type { DueTimer } from './timers.ts'

/**
 * The tables of the in-memory implementations, for specs that are not about durability. Everything that goes in is copied
 * as JSON, as a database would, so that no spec passes by sharing an object.
 */
export class InMemoryStore {
  readonly events = new Map<Address, StoredEvent[]>()
  readonly inbox = new Map<Address, Set<string>>()
  readonly unfinished = new Set<Address>()
  readonly outbox = new Map<string, { readonly from: Address; readonly envelope: Envelope }>()
  readonly shards = new Map<string, ShardLease>()
  readonly records = new Map<string, SessionRecord>()
  readonly timers = new Map<string, DueTimer>()
  readonly usage = new Map<string, { tokens: number; costMicros: number }>()
  readonly memories = new Map<Address, Map<string, MemoryRow>>()

  epochOf(address: Address): number | undefined {
    return this.shards.get(shardKey(kindOf(address), shardOf(address)))?.epoch
  }
}

export function copyOf<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
}
