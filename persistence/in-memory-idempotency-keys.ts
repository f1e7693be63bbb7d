import { copyOf } from './in-memory-store.ts'
import type { IdempotencyEntry, IdempotencyKeys } from './journal.ts'
import { KEEP_KEYS_MS } from './sql-idempotency-keys.ts'

export class InMemoryIdempotencyKeys implements IdempotencyKeys {
  private readonly entries = new Map<string, IdempotencyEntry>()

  async remember(entry: IdempotencyEntry): Promise<IdempotencyEntry> {
    const key = JSON.stringify([entry.tenant, entry.key])
    const there = this.entries.get(key)
    if (there !== undefined && there.at >= entry.at - KEEP_KEYS_MS) return copyOf(there)
    this.entries.set(key, copyOf(entry))
    return copyOf(entry)
  }
}
