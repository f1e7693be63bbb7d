import type { Clock } from '../actors/kernel/clock.ts'

/**
 * Stores watermarks that moved: lazily, many in one statement, and again when that failed (M3). `Source` is whatever has a
 * watermark; `store` reads it, so that what moved meanwhile is stored with the rest.
 */
export class WatermarkFlush<Source> {
  private readonly parts: {
    readonly clock: Clock
    /** How long a watermark that moved may wait. Later is cheaper; earlier leaves less to deliver again after a crash. */
    readonly everyMs: number
    readonly store: (moved: readonly Source[]) => Promise<void>
    /** Nobody waited for the one that failed. */
    readonly failed: (error: unknown) => void
  }
  private readonly dirty = new Set<Source>()
  private cancel: (() => void) | undefined
  private flushing: Promise<void> = Promise.resolve()

  constructor(parts: WatermarkFlush<Source>['parts']) {
    this.parts = parts
  }

  moved(source: Source): void {
    this.dirty.add(source)
    this.cancel ??= this.parts.clock.after(this.parts.everyMs, () => {
      this.cancel = undefined
      void this.now().catch(this.parts.failed)
    })
  }

  /** Resolves when all that moved so far is stored; rejects when it could not be, and it is tried again. */
  now(): Promise<void> {
    this.cancel?.()
    this.cancel = undefined
    // One after the other: a watermark read later is never stored before one read earlier.
    this.flushing = this.flushing.catch(() => {}).then(() => this.store())
    return this.flushing
  }

  private async store(): Promise<void> {
    const moved = [...this.dirty]
    this.dirty.clear()
    if (moved.length === 0) return
    try {
      await this.parts.store(moved)
    } catch (error) {
      for (const source of moved) this.moved(source)
      throw error
    }
  }
}
