import type { Clock } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'

/**
 * The order in which a service starts is written once, as a run of `start` calls; it stops in the reverse.
 *   L1. A part that fails to start leaves nothing running: those before it stop, and the failure is thrown on.
 *   L2. A part stops only after everything that was started later, and so may use it, has stopped.
 *   L3. A part that fails to stop, or takes too long, is reported and does not keep the others from stopping.
 *
 *   starting ──start ok──▶ starting … ──stop()──▶ stopping ──all parts──▶ stopped
 *       └──start fails──▶ stopping ──▶ stopped (and throws)
 */
export class Lifecycle {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #stops: { readonly name: string; readonly stop: () => unknown; readonly limitMs: number }[] = []
  #stopped: Promise<void> | undefined
  #failure: unknown

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Starts one part and remembers how it stops. `limitMs` bounds the stop, not the start. */
  async start<T>(
    name: string,
    start: () => T | Promise<T>,
    stop?: (part: T) => unknown,
    limitMs: number = 10_000,
  ): Promise<T> {
    if (this.#stopped) throw this.#whyNot(name)
    const from = this.#clock.now()
    let part: T
    try {
      part = await start()
    } catch (error) {
      this.#failure ??= error
      await this.stop() // L1
      throw error
    }
    if (this.#stopped) {
      // Parts may start side by side; this one came up while another's failure was stopping everything (L1).
      await stop?.(part)
      throw this.#whyNot(name)
    }
    if (stop) this.#stops.push({ name, stop: () => stop(part), limitMs })
    this.#log.debug({ part: name, ms: this.#clock.now() - from }, 'started')
    return part
  }

  /** Parts may start side by side: whoever hears of a failed start must hear what failed first, not what came of it. */
  #whyNot(name: string): unknown {
    return this.#failure ?? new Error(`${name} cannot start: the service is stopping`)
  }

  /** Stops every part, last started first. Called twice, it is one stop. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#stops.reverse()) {
      const from = this.#clock.now()
      try {
        const outcome = await this.#within(part.limitMs, part.stop)
        const ms = this.#clock.now() - from
        if (outcome === 'late') this.#log.warn({ part: part.name, ms }, 'did not stop in time; going on without it')
        else this.#log.debug({ part: part.name, ms }, 'stopped')
      } catch (error) {
        this.#log.error({ part: part.name, error }, 'failed to stop; going on') // L3
      }
    }
  }

  async #within(limitMs: number, stop: () => unknown): Promise<unknown> {
    let cancel = () => {}
    const late = new Promise<'late'>((resolve) => {
      cancel = this.#clock.after(limitMs, () => resolve('late'))
    })
    try {
      return await Promise.race([Promise.resolve(stop()), late])
    } finally {
      cancel()
    }
  }
}

/** What of a process this file touches; a spec hands in its own. */
export interface ProcessHandle extends NodeJS.EventEmitter {
  exit(code: number): unknown
}

const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Runs until a signal: the first drains and exits 0, a second exits at once. An error that nobody caught ends the process
 * with 1 and without a drain: state that is no longer understood must not be worked with, and a crash loses nothing (I1).
 */
export function untilSignal(
  close: () => Promise<void>,
  log: Logger,
  handle: ProcessHandle = process,
  now: () => number = () => performance.now(),
): () => void {
  let draining = false
  const onSignal = (signal: keyof typeof signalCodes) => {
    if (draining) {
      log.warn({ signal }, 'second signal: leaving at once; what was in flight goes on after the next start')
      handle.exit(signalCodes[signal])
      return
    }
    draining = true
    log.info({ signal }, 'stopping')
    const from = now()
    close().then(
      () => {
        log.info({ ms: Math.round(now() - from) }, 'stopped')
        handle.exit(0)
      },
      (error: unknown) => {
        log.error({ error }, 'the stop failed')
        handle.exit(1)
      },
    )
  }
  const onDefect = (error: unknown) => {
    log.error({ error }, 'an error that nobody caught; ending the process')
    handle.exit(1)
  }
  const listeners: readonly (readonly [string, (error: unknown) => void])[] = [
    ['SIGINT', () => onSignal('SIGINT')],
    ['SIGTERM', () => onSignal('SIGTERM')],
    ['uncaughtException', onDefect],
    ['unhandledRejection', onDefect],
  ]
  for (const [event, listener] of listeners) handle.on(event, listener)
  return () => {
    for (const [event, listener] of listeners) handle.off(event, listener)
  }
}
