import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { GatewayLimits } from './config.ts'

/** A stream that is open, as the gateway keeps it. */
export interface OpenStream {
  heartbeat(): void
  /** Ends it with this reason, which tells the client that its cursor stays good. */
  cut(failure: Failure): void
}

/** The longest that a timer can wait (2^31 - 1 ms); a longer one would fire at once. */
const TIMER_MAX_MS = 2_147_483_647

/** I9: every stream of this gateway, counted; one timer beats for all. */
export class OpenStreams {
  readonly #limits: GatewayLimits
  readonly #clock: Clock
  readonly #counted: (open: number) => void
  readonly #open = new Map<OpenStream, string>()
  readonly #perTenant = new Map<string, number>()
  #draining = false
  #cancelBeat: (() => void) | undefined

  constructor(limits: GatewayLimits, clock: Clock, counted: (open: number) => void = () => {}) {
    this.#counted = counted
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /** Throws what `add` would, before a connection is upgraded or headers are sent. */
  checkRoom(tenant: string): void {
    if (this.#draining) throw new Failure('DRAINING', 'No new streams are taken.')
    const { streams, streamsPerTenant } = this.#limits
    if (this.#open.size >= streams) throw new Failure('TOO_MANY_STREAMS', `${streams} are open here.`)
    if ((this.#perTenant.get(tenant) ?? 0) >= streamsPerTenant) {
      throw new Failure('TOO_MANY_STREAMS', `${streamsPerTenant} are open for this tenant.`)
    }
  }

  /** Returns what to call when the stream is over. One that may not outlive its reader's token is cut at `expiresAt`. */
  add(tenant: string, stream: OpenStream, expiresAt?: number): () => void {
    this.checkRoom(tenant)
    this.#open.set(stream, tenant)
    this.#counted(this.#open.size)
    this.#perTenant.set(tenant, (this.#perTenant.get(tenant) ?? 0) + 1)
    if (this.#cancelBeat === undefined) this.#beat()
    const cancelExpiry = expiresAt === undefined ? () => {} : this.#cutAt(expiresAt, stream)
    return () => {
      cancelExpiry()
      if (!this.#open.delete(stream)) return
      this.#counted(this.#open.size)
      const left = (this.#perTenant.get(tenant) ?? 1) - 1
      if (left === 0) this.#perTenant.delete(tenant)
      else this.#perTenant.set(tenant, left)
    }
  }

  drain(): void {
    this.#draining = true
    this.#cancelBeat?.()
    for (const stream of [...this.#open.keys()]) {
      stream.cut(new Failure('DRAINING', 'Reconnect with your cursor; nothing is lost.'))
    }
  }

  #cutAt(expiresAt: number, stream: OpenStream): () => void {
    const wait = () => this.#clock.after(Math.min(Math.max(expiresAt - this.#clock.now(), 0), TIMER_MAX_MS), check)
    const check = () => {
      if (this.#clock.now() < expiresAt) cancel = wait()
      else
        stream.cut(new Failure('UNAUTHENTICATED', 'The token has expired. Come back with a new one and your cursor.'))
    }
    let cancel = wait()
    return () => cancel()
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.after(this.#limits.heartbeatMs, () => {
      this.#cancelBeat = undefined
      for (const stream of [...this.#open.keys()]) stream.heartbeat()
      if (this.#open.size > 0 && !this.#draining) this.#beat()
    })
  }
}
