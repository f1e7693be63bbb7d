import { LRUCache } from 'lru-cache'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Announcement, Outbound, OutboundListener, Preview, ToolProgress } from './outbound.ts'

/** Running sessions whose partial text is kept; the oldest gives way, and its readers miss one preview, never an event. */
const MAX_PARTIALS = 10_000

/** After these the partial text is in the journal, or void. */
const ending = new Set([
  'assistant.started',
  'assistant.thinking',
  'assistant.final',
  'assistant.restarted',
  'session.reset',
  'session.deleted',
])

/**
 * Outbound between the sessions and the gateway of one process.
 *   P1. Soft state only: the partial text of a step in progress, dropped when the step ends.
 *   P2. A listener that throws harms neither the session that announces nor the other listeners.
 */
export class InProcessOutbound implements Outbound {
  readonly #listeners = new Map<string, Set<OutboundListener>>()
  readonly #partials = new LRUCache<string, Preview>({ max: MAX_PARTIALS })
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  announce(announcement: Announcement): void {
    if (ending.has(announcement.event.type)) this.#partials.delete(announcement.sessionId)
    this.#tell(announcement.sessionId, (listener) => listener.event(announcement))
  }

  preview(preview: Preview): void {
    this.#partials.set(preview.sessionId, preview)
    this.#tell(preview.sessionId, (listener) => listener.preview(preview))
  }

  progress(progress: ToolProgress): void {
    this.#tell(progress.sessionId, (listener) => listener.progress?.(progress))
  }

  /** For those that hear from afar: what was announced before this moment may not have come through. */
  missed(sessionId: string, since: 'began' | 'moved'): void {
    this.#tell(sessionId, (listener) => listener.missed?.(since))
  }

  subscribe(sessionId: string, listener: OutboundListener): { close(): void } {
    const listeners = this.#listeners.get(sessionId) ?? new Set<OutboundListener>()
    this.#listeners.set(sessionId, listeners)
    listeners.add(listener)
    const partial = this.#partials.get(sessionId)
    if (partial) this.#guarded(() => listener.preview(partial))
    return {
      close: () => {
        listeners.delete(listener)
        // Another subscriber may have opened a new set under the same name meanwhile.
        if (listeners.size === 0 && this.#listeners.get(sessionId) === listeners) this.#listeners.delete(sessionId)
      },
    }
  }

  #tell(sessionId: string, call: (listener: OutboundListener) => void): void {
    const listeners = this.#listeners.get(sessionId)
    if (!listeners) return
    for (const listener of listeners) this.#guarded(() => call(listener))
  }

  #guarded(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#log.error({ err: error }, 'a stream listener threw')
    }
  }
}
