import { setMaxListeners } from 'node:events'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { DependencyHealth } from '../../transports/gateway/health.ts'

/**
 * One look at one dependency, the same at the start, for /readyz and for `soma doctor`.
 *   P1. A look ends within its limit, whatever the other side does or does not do.
 *   P2. What it finds names where it looked, which variable said so, and what to do. Never a password.
 *   P3. A look changes nothing.
 */
export interface Probe {
  readonly name: string
  readonly required: boolean
  readonly place: Place
  /** What was found (a version, a count); rejects with Trouble. The signal ends it when the limit is reached. */
  look(signal: AbortSignal): Promise<string>
}

/** Where it was looked, and who said so. */
export interface Place {
  /** host:port or a path, without user and password. */
  readonly address: string
  readonly variable: string
}

/** What is wrong, as kinds: each has another remedy. */
export type Cause =
  | 'refused'
  | 'unknown-host'
  | 'unreachable'
  | 'unresponsive'
  | 'starting'
  | 'unauthorized'
  | 'wrong-database'
  | 'tls'
  | 'version'
  | 'misconfigured'
  | 'failed'

/** These end by themselves when servers come up together; what a person must change is not waited for. */
const passing: ReadonlySet<Cause> = new Set([
  'refused',
  'unknown-host',
  'unreachable',
  'unresponsive',
  'starting',
  'failed',
])
export const mayPass = (cause: Cause | undefined) => cause !== undefined && passing.has(cause)

export class Trouble extends Error {
  readonly kind: Cause
  readonly remedy: string

  constructor(kind: Cause, detail: string, remedy: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.name = 'Trouble'
    this.kind = kind
    this.remedy = remedy
  }
}

export interface Found extends DependencyHealth {
  readonly address: string
  readonly variable: string
  /** Undefined when it is well. */
  readonly cause: Cause | undefined
}

export const LOOK_LIMIT_MS = 4_000

export const at = ({ address, variable }: Place) => `${address} (${variable})`

export async function runProbe(probe: Probe, clock: Clock, limitMs = LOOK_LIMIT_MS): Promise<Found> {
  const { name, required, place } = probe
  // Field by field: the place of a service of HTTP has the headers of its requests too, and with them a key (P2).
  const { address, variable } = place
  const from = clock.now()
  const over = new AbortController()
  // Each socket of a look listens: three for every broker.
  setMaxListeners(0, over.signal)
  let cancel = () => {}
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(limitMs, () => {
      reject(silent(place, limitMs))
      over.abort(new Error(`no answer within ${limitMs} ms`))
    })
  })
  try {
    const found = await Promise.race([probe.look(over.signal), late]) // P1
    const detail = `${found} at ${at(place)}`
    return { name, required, address, variable, ok: true, detail, remedy: '', cause: undefined, ms: clock.now() - from }
  } catch (error) {
    const trouble = error instanceof Trouble ? error : new Trouble('failed', `${at(place)}: ${wordsOf(error)}`, '')
    const { kind: cause, message: detail, remedy } = trouble
    return { name, required, address, variable, ok: false, detail, remedy, cause, ms: clock.now() - from }
  } finally {
    cancel()
    over.abort()
  }
}

export function silent(place: Place, waitedMs: number): Trouble {
  return new Trouble(
    'unresponsive',
    `${at(place)} takes the connection and then says nothing for ${Math.round(waitedMs / 100) / 10} s`,
    `See whether it is overloaded, frozen or still starting, or whether something else listens there; else correct ${place.variable}.`,
  )
}

export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text === '' ? ((error as { code?: string }).code ?? 'failed') : text
}
