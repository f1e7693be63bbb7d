import type { Clock } from '../../actors/kernel/clock.ts'
import { asFailure, Failure } from '../../actors/kernel/failure.ts'
import type { Announcement, Outbound, OutboundListener, Preview, ToolProgress } from '../outbound.ts'
import { PreviewGate } from './preview-gate.ts'
import type { SessionReader } from './session-reader.ts'

/**
 * One reader following one session: the journal from its cursor, then live.
 *   S1. Every journaled event after the cursor reaches the sink exactly once and in order of seq, whatever
 *       announcements are lost, repeated or out of order. Live events are heard before the journal is read, so
 *       nothing falls between the two.
 *   S2. A preview is shown only after the journal has caught up, and never once an event has ended its step.
 *   S3. Bounded: at most `pendingEvents` events, one preview and a word of each call wait for a sink; beyond, or when the sink takes
 *       nothing for `stallMs`, the stream ends with SLOW_READER and the reader goes on from its cursor.
 */
export interface SessionStream extends OutboundListener {
  /** Seq of the last event given to the sink. */
  readonly cursor: number
  /** The sink takes more again. */
  drained(): void
  /** Looks for lost announcements and for a stalled sink; called at every heartbeat. */
  check(): void
  close(): void
}

export interface StreamSink {
  /** False: it takes no more until it calls `drained`. */
  event(announcement: Announcement): boolean
  preview(preview: Preview): boolean
  progress?(progress: ToolProgress): boolean
  /** The last call. */
  end(failure: Failure): void
}

export interface StreamSources {
  readonly outbound: Outbound
  readonly reader: Pick<SessionReader, 'events'>
  readonly clock: Clock
  readonly limits: { readonly pendingEvents: number; readonly stallMs: number }
}

export interface StreamStart {
  readonly sessionId: string
  /** The reader has seen this seq and all before it. `live`: starts at the first event announced from now on. */
  readonly after: number | 'live'
  /** The reader waits for something to happen, so every check looks, even while the session rests. */
  readonly expecting?: boolean
}

/** Events read at once. */
const PAGE = 200
/** Calls of one session whose progress waits for a sink (S3). */
const MAX_PROGRESS = 64
/** An announced event that the journal does not show yet is asked for again after this, doubling up to a second. */
const GAP_RETRY_MS = 20

export function followSession(sources: StreamSources, start: StreamStart, sink: StreamSink): SessionStream {
  return new Follower(sources, start, sink)
}

class Follower implements SessionStream {
  readonly #sources: StreamSources
  readonly #sessionId: string
  readonly #expecting: boolean
  readonly #sink: StreamSink
  readonly #subscription: { close(): void }
  readonly #gate = new PreviewGate()
  /** Events ahead of the cursor, by seq: announced early, or read and not yet taken. */
  readonly #pending = new Map<number, Announcement>()
  #cursor: number | undefined
  #preview: Preview | undefined
  /** The newest of each call that the sink has not been given. */
  readonly #progress = new Map<string, ToolProgress>()
  /** The journal may hold events after the cursor that `#pending` does not. */
  #behind: boolean
  #reading = false
  #blockedSince: number | undefined
  #gapRetryMs = GAP_RETRY_MS
  #cancelRetry: (() => void) | undefined
  #ended = false

  constructor(sources: StreamSources, start: StreamStart, sink: StreamSink) {
    this.#sources = sources
    this.#sessionId = start.sessionId
    this.#expecting = start.expecting ?? false
    this.#sink = sink
    this.#cursor = start.after === 'live' ? undefined : start.after
    this.#behind = start.after !== 'live'
    this.#subscription = sources.outbound.subscribe(start.sessionId, this)
    if (this.#behind) this.#pump()
  }

  get cursor(): number {
    return this.#cursor ?? 0
  }

  event(announcement: Announcement): void {
    if (this.#ended) return
    this.#cursor ??= announcement.seq - 1
    if (announcement.seq <= this.#cursor) return
    if (this.#pending.size >= this.#sources.limits.pendingEvents) {
      // S3. One that is still reading the past loses nothing by letting this go: the journal gives it again.
      if (this.#behind || this.#reading) this.#behind = true
      else this.#fail(new Failure('SLOW_READER', `More than ${this.#pending.size} events wait for this reader.`))
      return
    }
    this.#pending.set(announcement.seq, announcement)
    this.#pump()
  }

  preview(preview: Preview): void {
    if (this.#ended) return
    // Text is cumulative, so the newest stands for all that a slow sink did not take.
    this.#preview = preview
    this.#pump()
  }

  progress(progress: ToolProgress): void {
    if (this.#ended || !this.#sink.progress) return
    if (this.#progress.size >= MAX_PROGRESS && !this.#progress.has(progress.callId)) return
    this.#progress.set(progress.callId, progress)
    this.#pump()
  }

  drained(): void {
    this.#blockedSince = undefined
    this.#pump()
  }

  missed(since: 'began' | 'moved'): void {
    // One that starts live was heard of before what it waits for was sent.
    if (this.#ended || (this.#cursor === undefined && (since === 'began' || !this.#expecting))) return
    this.#cursor ??= 0
    this.#behind = true
    this.#pump()
  }

  check(): void {
    if (this.#ended) return
    if (this.#blockedSince !== undefined) {
      const stalled = this.#sources.clock.now() - this.#blockedSince >= this.#sources.limits.stallMs
      if (stalled) this.#fail(new Failure('SLOW_READER', 'The reader took nothing for too long.'))
      return
    }
    // S1: the last announcement may be lost with no later one to show the gap.
    if (this.#gate.resting && !this.#expecting) return
    this.#cursor ??= 0
    this.#behind = true
    this.#pump()
  }

  close(): void {
    this.#ended = true
    this.#cancelRetry?.()
    this.#subscription?.close()
    this.#pending.clear()
    this.#preview = undefined
    this.#progress.clear()
  }

  #pump(): void {
    if (this.#reading) return
    while (this.#open()) {
      const next = this.#pending.get(this.cursor + 1)
      if (!next) break
      this.#deliver(next)
    }
    if (!this.#open()) return
    if (this.#behind || this.#pending.size > 0) return void this.#read()
    const preview = this.#preview
    this.#preview = undefined
    if (preview && this.#gate.admits(preview)) this.#taken(this.#sink.preview(preview))
    for (const [callId, progress] of this.#progress) {
      if (!this.#open()) return
      this.#progress.delete(callId)
      if (this.#gate.admitsProgress(progress)) this.#taken(this.#sink.progress?.(progress) ?? true)
    }
  }

  #open(): boolean {
    return !this.#ended && this.#blockedSince === undefined
  }

  #deliver(announcement: Announcement): void {
    this.#pending.delete(announcement.seq)
    this.#cursor = announcement.seq
    this.#gate.passed(announcement.event)
    this.#taken(this.#sink.event(announcement))
  }

  #taken(more: boolean): void {
    if (!more) this.#blockedSince = this.#sources.clock.now()
  }

  async #read(): Promise<void> {
    if (this.#cancelRetry) return
    this.#reading = true
    this.#behind = false
    try {
      const page = await this.#sources.reader.events(this.#sessionId, this.cursor, PAGE)
      for (const announcement of page) {
        if (announcement.seq > this.cursor) this.#pending.set(announcement.seq, announcement)
      }
      if (page.length === PAGE) this.#behind = true
    } catch (error) {
      this.#fail(asFailure(error))
    }
    this.#reading = false
    if (this.#ended) return
    if (this.#pending.size > 0 && !this.#pending.has(this.cursor + 1)) return this.#retryLater()
    this.#gapRetryMs = GAP_RETRY_MS
    this.#pump()
  }

  /** The announcement overtook what the reader sees of the journal: a replica, or a commit not yet visible. */
  #retryLater(): void {
    this.#behind = true
    this.#cancelRetry = this.#sources.clock.after(this.#gapRetryMs, () => {
      this.#cancelRetry = undefined
      this.#pump()
    })
    this.#gapRetryMs = Math.min(this.#gapRetryMs * 2, 1_000)
  }

  #fail(failure: Failure): void {
    if (this.#ended) return
    this.close()
    this.#sink.end(failure)
  }
}
