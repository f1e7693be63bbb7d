import type { ToolProgress } from '../../transports/outbound.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Invocation } from './events.ts'
import type { ToolContext } from './tool.ts'

const EVERY_MS = 250
const MAX_TEXT = 500

/**
 * How far a call is, as its tool tells it: bounded in size and in number whatever the tool does. The first is shown at once,
 * then the newest of every 250 ms; nothing after the run.
 */
export class ProgressTold {
  readonly #about: Pick<ToolProgress, 'sessionId' | 'turnId' | 'callId' | 'tool'>
  readonly #show: (progress: ToolProgress) => void
  readonly #clock: Clock
  #waiting: ToolProgress | undefined
  #cancel: (() => void) | undefined
  #count = 0
  #over = false

  constructor(invocation: Invocation, show: (progress: ToolProgress) => void, clock: Clock) {
    const { sessionId, turnId, callId, tool } = invocation
    this.#about = { sessionId, turnId, callId, tool }
    this.#show = show
    this.#clock = clock
  }

  readonly tell: ToolContext['progress'] = (told) => {
    if (this.#over) return
    const progress = this.#of(told)
    if (progress === undefined) return
    if (this.#cancel) {
      this.#waiting = progress
      return
    }
    this.#now(progress)
  }

  end(): void {
    this.#over = true
    this.#waiting = undefined
    this.#cancel?.()
  }

  #now(progress: ToolProgress): void {
    this.#show(progress)
    this.#cancel = this.#clock.after(EVERY_MS, () => {
      this.#cancel = undefined
      const next = this.#waiting
      this.#waiting = undefined
      if (next) this.#now(next)
    })
  }

  /** A tool may be a file without types: what says nothing is nothing, and never an error of the run. */
  #of(told: unknown): ToolProgress | undefined {
    const { text, fraction } = (
      typeof told === 'string' ? { text: told } : typeof told === 'number' ? { fraction: told } : (told ?? {})
    ) as { text?: unknown; fraction?: unknown }
    const words = typeof text === 'string' ? { text: text.slice(0, MAX_TEXT) } : {}
    const part =
      typeof fraction === 'number' && Number.isFinite(fraction) ? { fraction: Math.min(Math.max(fraction, 0), 1) } : {}
    if (!('text' in words) && !('fraction' in part)) return undefined
    return { ...this.#about, index: this.#count++, at: this.#clock.now(), ...words, ...part }
  }
}
