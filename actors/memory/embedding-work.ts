import type { LoadedRow, MemoryRows } from '../../persistence/memory-rows.ts'
import type { Address } from '../kernel/address.ts'
import type { Clock } from '../kernel/clock.ts'
import { asFailure } from '../kernel/failure.ts'
import { pause } from '../kernel/pause.ts'
import type { Logger } from '../kernel/telemetry.ts'
import type { Embedder } from './index/memory-index.ts'

export interface EmbeddingWorkParts {
  readonly address: Address
  readonly rows: Pick<MemoryRows, 'page' | 'saveVectors'>
  readonly embedder: Embedder
  /** Rows with their vectors, stored: for the index. */
  readonly embedded: (rows: readonly LoadedRow[]) => void
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Logger
}

const BATCH = 32
/** Beyond it rows are found again in the database instead of being kept here (I9). */
const MAX_WAITING = 1_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 60_000

/**
 * Gives the memories of one shard their vectors, in the background of its activation.
 *   V1. A vector is put beside the text that it was made of, or nowhere: a row that was replaced meanwhile is skipped.
 *   V2. Nothing is lost with the process: what has no vector is found by its row (`again`).
 *   V3. An embedder that is away is asked again with backoff; nobody waits for it.
 */
export class EmbeddingWork {
  private readonly parts: EmbeddingWorkParts
  private readonly waiting = new Map<string, LoadedRow>()
  /** Seqs of the batch that is being embedded; an entry is taken out when its row changes. */
  private readonly inFlight = new Map<string, number>()
  private lookAgain = false
  private running: Promise<void> | undefined

  constructor(parts: EmbeddingWorkParts) {
    this.parts = parts
  }

  get isIdle(): boolean {
    return this.running === undefined
  }

  add(rows: readonly LoadedRow[]): void {
    for (const row of rows) {
      this.inFlight.delete(row.key) // V1
      if (this.waiting.size < MAX_WAITING) this.waiting.set(row.key, row)
      else this.lookAgain = true
    }
    this.start()
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) {
      this.inFlight.delete(key)
      this.waiting.delete(key)
    }
  }

  /** Some rows lack their vector (V2). */
  again(): void {
    this.lookAgain = true
    this.start()
  }

  private start(): void {
    this.running ??= this.run().finally(() => {
      this.running = undefined
    })
  }

  private async run(): Promise<void> {
    const { signal, clock, log, address } = this.parts
    let after = ''
    for (let delay = FIRST_RETRY_MS; !signal.aborted; ) {
      try {
        const batch = await this.next(after)
        if (batch === undefined) return
        after = batch.after
        if (batch.rows.length > 0) await this.embed(batch.rows)
        delay = FIRST_RETRY_MS
      } catch (error) {
        if (signal.aborted) return
        const { code, detail } = asFailure(error)
        log.warn({ address, code, detail, delay }, 'memories wait for their vectors; they are found by their words')
        this.lookAgain = true
        after = ''
        await pause(clock, delay)
        delay = Math.min(delay * 2, LAST_RETRY_MS)
      }
    }
  }

  /** Undefined: nothing is left. */
  private async next(after: string): Promise<{ rows: LoadedRow[]; after: string } | undefined> {
    const waiting = [...this.waiting.values()].slice(0, BATCH)
    if (waiting.length > 0) {
      for (const { key } of waiting) this.waiting.delete(key)
      return { rows: waiting, after }
    }
    if (!this.lookAgain) return undefined
    const { rows, address, embedder } = this.parts
    const found = await rows.page(address, { after, limit: BATCH, model: embedder.model, lacking: true })
    const last = found.at(-1)
    if (last === undefined) this.lookAgain = false
    return { rows: found, after: last?.key ?? '' }
  }

  private async embed(batch: readonly LoadedRow[]): Promise<void> {
    const { embedder, rows, address, signal, embedded } = this.parts
    for (const { key, seq } of batch) this.inFlight.set(key, seq)
    try {
      const vectors = await embedder.embed(
        batch.map(({ text }) => text),
        signal,
      )
      const made = batch.flatMap((row, i) => {
        const vector = vectors[i]
        return vector && this.inFlight.get(row.key) === row.seq ? [{ ...row, vector }] : []
      })
      await rows.saveVectors(address, embedder.model, made)
      const still = made.filter(({ key, seq }) => this.inFlight.get(key) === seq) // V1
      if (still.length > 0 && !signal.aborted) embedded(still)
    } finally {
      this.inFlight.clear()
    }
  }
}
