import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'

/**
 * Stands between one process and one server, so that a drill can take the network away from it.
 *   silent: what is sent goes nowhere and nothing comes back, as when packets are dropped; connections stay open, new ones
 *           are accepted and hear nothing. The hard case: nobody is told anything.
 *   closed: connections are cut and new ones refused by being cut.
 */
export class TcpProxy {
  readonly #to: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #state: 'open' | 'silent' | 'closed' = 'open'

  private constructor(host: string, port: number) {
    this.#to = { host, port }
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#take(client))
  }

  static async listen(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(host, port)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(how: 'silent' | 'closed'): void {
    this.#state = how
    if (how === 'closed') this.#cutAll()
    else for (const pair of this.#pairs) for (const socket of pair) socket.pause()
  }

  /** What waited in silence is delivered, as a network does that comes back. */
  mend(): void {
    this.#state = 'open'
    for (const pair of this.#pairs) for (const socket of pair) socket.resume()
  }

  async close(): Promise<void> {
    this.#cutAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #cutAll(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  #take(client: Socket): void {
    if (this.#state === 'closed') {
      client.destroy()
      return
    }
    const server = createConnection(this.#to)
    const pair = [client, server] as const
    this.#pairs.add(pair)
    this.#join(client, server, pair)
    this.#join(server, client, pair)
    if (this.#state === 'open') client.resume()
    else server.pause()
  }

  /** Not `pipe`: that would resume what a silence holds. */
  #join(from: Socket, to: Socket, pair: readonly [Socket, Socket]): void {
    from.setNoDelay(true)
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (this.#state === 'open') from.resume()
    })
    from.on('error', () => {})
    from.on('end', () => to.end())
    from.on('close', () => {
      this.#pairs.delete(pair)
      to.destroy()
    })
  }
}
