import type { LoadedRow, MemoryRows } from '../../persistence/memory-rows.ts'
import type { Address } from '../kernel/address.ts'
import type { Clock } from '../kernel/clock.ts'
import { Failure } from '../kernel/failure.ts'
import { pause } from '../kernel/pause.ts'
import type { Logger } from '../kernel/telemetry.ts'
import { EmbeddingWork } from './embedding-work.ts'
import type { Embedder, IndexEntry, IndexHit, IndexQuery, MemoryIndex } from './index/memory-index.ts'
import type { MemoryOutcome } from './protocol.ts'

export interface LiveShardParts {
  readonly address: Address
  readonly rows: Pick<MemoryRows, 'page' | 'saveVectors'>
  readonly index: MemoryIndex
  readonly embedder?: Embedder | undefined
  /** Aborted with the activation that this is part of. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Logger
}

const PAGE = 1_000
const OUTCOMES = 1_000
const RETRY_MS = 500

/**
 * What an activation of a shard holds besides its state, for questions that are no messages: the index, and what became
 * of the last commands. All of it is derived, and gone with the activation.
 *   L1. The index has a change before its outcome is told: who heard that a write is done finds it.
 *   L2. A page read while the index loads never overwrites a newer change.
 */
export class LiveShard {
  readonly address: Address
  private readonly parts: LiveShardParts
  private readonly embedding: EmbeddingWork | undefined
  private readonly outcomes = new Map<string, MemoryOutcome>()
  private readonly waiters = new Map<string, Set<(outcome: MemoryOutcome) => void>>()
  /** Keys that changed while the index loads (L2). */
  private changed: Set<string> | undefined = new Set()
  private readonly loaded: Promise<void>
  usedAt: number

  constructor(parts: LiveShardParts) {
    const { address, embedder, signal, clock } = parts
    this.parts = parts
    this.address = address
    this.usedAt = clock.now()
    this.embedding = embedder && new EmbeddingWork({ ...parts, embedder, embedded: (rows) => this.put(rows) })
    this.loaded = this.load()
    this.loaded.catch(() => {})
    signal.addEventListener('abort', () => void parts.index.close().catch(() => {}), { once: true })
  }

  get size(): number {
    return this.parts.index.size
  }

  /** Nothing of it is under way, so its activation may leave memory. */
  get isIdle(): boolean {
    return this.embedding?.isIdle ?? true
  }

  /** A change that is journaled. */
  applied(change: {
    readonly envelopeId: string
    readonly outcome: MemoryOutcome | undefined
    readonly put: readonly LoadedRow[]
    readonly remove: readonly string[]
  }): void {
    const { envelopeId, outcome, put, remove } = change
    for (const key of [...put.map(({ key }) => key), ...remove]) this.changed?.add(key)
    if (put.length > 0) this.put(put)
    if (remove.length > 0) this.parts.index.remove(remove)
    this.embedding?.remove(remove)
    if (put.length > 0) this.embedding?.add(put)
    if (outcome) this.tell(envelopeId, outcome) // L1
  }

  async search(query: IndexQuery): Promise<readonly IndexHit[]> {
    const { index, signal, clock } = this.parts
    this.usedAt = clock.now()
    await this.loaded
    if (signal.aborted) throw new Failure('MEMORY_UNAVAILABLE', `${this.address} has just left`, { retryAfter: 1 })
    return index.search(query)
  }

  outcomeOf(envelopeId: string): MemoryOutcome | undefined {
    return this.outcomes.get(envelopeId)
  }

  /** Never resolves when the envelope is not applied here; the caller has a limit. */
  whenApplied(envelopeId: string): { readonly applied: Promise<MemoryOutcome>; readonly cancel: () => void } {
    const waiting = this.waiters.get(envelopeId) ?? new Set()
    this.waiters.set(envelopeId, waiting)
    let tell: (outcome: MemoryOutcome) => void = () => {}
    const applied = new Promise<MemoryOutcome>((resolve) => {
      tell = resolve
      waiting.add(tell)
    })
    const cancel = () => {
      waiting.delete(tell)
      if (waiting.size === 0 && this.waiters.get(envelopeId) === waiting) this.waiters.delete(envelopeId)
    }
    return { applied, cancel }
  }

  private tell(envelopeId: string, outcome: MemoryOutcome): void {
    this.outcomes.set(envelopeId, outcome)
    if (this.outcomes.size > OUTCOMES) {
      const [oldest] = this.outcomes.keys()
      this.outcomes.delete(oldest as string)
    }
    for (const resolve of this.waiters.get(envelopeId) ?? []) resolve(outcome)
    this.waiters.delete(envelopeId)
  }

  private put(rows: readonly LoadedRow[]): void {
    this.parts.index.put(rows.map(entryOf))
  }

  private async load(): Promise<void> {
    const { address, rows, embedder, signal, clock, log } = this.parts
    const model = embedder?.model
    let lacking = false
    for (let after = ''; !signal.aborted; ) {
      let page: LoadedRow[]
      try {
        page = await rows.page(address, { after, limit: PAGE, model })
      } catch (error) {
        log.warn({ address, error: String(error) }, 'memories cannot be read into the index yet')
        await pause(clock, RETRY_MS)
        continue
      }
      if (signal.aborted) return
      const fresh = page.filter(({ key }) => !this.changed?.has(key)) // L2
      if (fresh.length > 0) this.put(fresh)
      lacking ||= fresh.some(({ vector }) => vector === undefined)
      after = page.at(-1)?.key ?? after
      if (page.length < PAGE) break
    }
    this.changed = undefined
    if (lacking) this.embedding?.again()
  }
}

function entryOf(row: LoadedRow): IndexEntry {
  const { seq: _seq, ...entry } = row
  return entry
}
