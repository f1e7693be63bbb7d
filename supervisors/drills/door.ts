import { type Dispatcher, Pool } from 'undici'

/**
 * The service as one careful client sees it: several gateways, of which it uses one for as long as that one serves, and
 * the next after a refusal or a broken connection. Gateways keep no session state, so any of them will do.
 */
export class Door {
  readonly #entrance: Entrance
  #at: number

  constructor(entrance: Entrance, first: number) {
    this.#entrance = entrance
    this.#at = first % entrance.urls.length
  }

  /** Which gateway it uses now. */
  get url(): string {
    return this.#entrance.urls[this.#at] as string
  }

  request({ headers, ...options }: Asked): Promise<Dispatcher.ResponseData> {
    return this.#entrance.pool(this.#at).request({ ...options, headers: { ...this.#entrance.headers, ...headers } })
  }

  /** Called when the gateway in use refused, drained or went away. */
  next(): void {
    this.#at = (this.#at + 1) % this.#entrance.urls.length
  }
}

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** All gateways, with the connections to them. */
export class Entrance {
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly #pools: readonly Pool[]

  constructor(urls: readonly string[], answerWithinMs: number, token?: string) {
    this.urls = urls
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    // A stream may be silent for as long as it likes, an answer to a post may not.
    this.#pools = urls.map(
      (url) => new Pool(url, { connections: null, bodyTimeout: 0, headersTimeout: answerWithinMs }),
    )
  }

  pool(index: number): Pool {
    return this.#pools[index] as Pool
  }

  /** Cuts everything, streams included. */
  destroy(): void {
    for (const pool of this.#pools) void pool.destroy()
  }
}
