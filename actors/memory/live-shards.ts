import type { Journal } from '../../persistence/journal.ts'
import type { Address } from '../kernel/address.ts'
import type { Clock } from '../kernel/clock.ts'
import { asFailure, Failure } from '../kernel/failure.ts'
import { inTime } from './in-time.ts'
import type { IndexQuery } from './index/memory-index.ts'
import type { LiveShard } from './live-shard.ts'
import { outcomeInJournal } from './outcome.ts'
import type { MemoryOwners, ShardAnswer } from './owners.ts'
import type { MemoryOutcome } from './protocol.ts'

export interface LiveShardsParts {
  /** Brings the shard's actor into memory, if it is to be here. */
  readonly activate: (address: Address) => void
  /** Why the shard cannot answer here: owned elsewhere, or quarantined. Undefined: it can. */
  readonly refusal: (address: Address) => string | undefined
  readonly journal: Pick<Journal, 'wasApplied' | 'head' | 'read'>
  readonly clock: Clock
}

/** An outcome comes with the append, within milliseconds; one that was applied before is in the journal. */
const LOOK_AFTER_MS = 100
const OPEN_AGAIN_MS = 100
const OPEN_TRIES = 100

/** The shards of this process, asked past their mailboxes: a search is a read, and must not wait behind writes. */
export class LiveShards implements MemoryOwners {
  private readonly parts: LiveShardsParts
  private readonly shards = new Map<Address, LiveShard>()
  /** Told of the next activation. */
  private readonly opening = new Map<Address, Set<() => void>>()

  constructor(parts: LiveShardsParts) {
    this.parts = parts
  }

  /** An activation began, and ends with the signal. */
  opened(shard: LiveShard, signal: AbortSignal): void {
    this.shards.set(shard.address, shard)
    for (const wake of this.opening.get(shard.address) ?? []) wake()
    this.opening.delete(shard.address)
    const close = () => {
      if (this.shards.get(shard.address) === shard) this.shards.delete(shard.address)
    }
    if (signal.aborted) close()
    else signal.addEventListener('abort', close, { once: true })
  }

  /** Of all that are in memory, for the metrics. */
  counts(): { readonly shards: number; readonly memories: number } {
    let memories = 0
    for (const shard of this.shards.values()) memories += shard.size
    return { shards: this.shards.size, memories }
  }

  search(addresses: readonly Address[], query: IndexQuery, timeoutMs: number): Promise<readonly ShardAnswer[]> {
    return Promise.all(
      addresses.map(async (address): Promise<ShardAnswer> => {
        try {
          const work = this.open(address).then((shard) => shard.search(query))
          const hits = await inTime(this.parts.clock, timeoutMs, work)
          return hits === 'late' ? { problem: `it did not answer within ${timeoutMs} ms` } : { hits }
        } catch (error) {
          return { problem: asFailure(error).detail }
        }
      }),
    )
  }

  async outcome(address: Address, envelopeId: string, timeoutMs: number): Promise<MemoryOutcome | 'long-ago'> {
    const { clock, journal } = this.parts
    const shard = await inTime(clock, timeoutMs, this.open(address))
    if (shard === 'late') throw unavailable(`${address} was not in memory within ${timeoutMs} ms`)
    const told = shard.outcomeOf(envelopeId)
    if (told) return told
    const { applied, cancel } = shard.whenApplied(envelopeId)
    try {
      const soon = await inTime(clock, Math.min(LOOK_AFTER_MS, timeoutMs), applied)
      if (soon !== 'late') return soon
      const before = await outcomeInJournal(journal, address, envelopeId)
      if (before) return before
      const later = await inTime(clock, Math.max(0, timeoutMs - LOOK_AFTER_MS), applied)
      if (later !== 'late') return later
    } finally {
      cancel()
    }
    throw unavailable(`${address} has not applied it within ${timeoutMs} ms`)
  }

  private async open(address: Address): Promise<LiveShard> {
    for (let tries = 0; tries < OPEN_TRIES; tries++) {
      const why = this.parts.refusal(address)
      if (why !== undefined) throw unavailable(why)
      const shard = this.shards.get(address)
      if (shard) return shard
      // One that is just leaving memory is not activated: hence again, a moment later.
      this.parts.activate(address)
      await this.nextActivation(address)
    }
    throw unavailable(`${address} does not come into memory`)
  }

  private async nextActivation(address: Address): Promise<void> {
    const waiting = this.opening.get(address) ?? new Set()
    this.opening.set(address, waiting)
    let wake = () => {}
    const opened = new Promise<void>((resolve) => {
      wake = resolve
      waiting.add(wake)
    })
    await inTime(this.parts.clock, OPEN_AGAIN_MS, opened)
    waiting.delete(wake)
    if (waiting.size === 0 && this.opening.get(address) === waiting) this.opening.delete(address)
  }
}

function unavailable(detail: string): Failure {
  return new Failure('MEMORY_UNAVAILABLE', detail, { retryAfter: 1 })
}
