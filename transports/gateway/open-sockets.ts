import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Lets a server close as soon as the last request is answered. Node's own close leaves sockets on which no request
 * ever came (browsers and fetch open such in advance) and those that become idle later; either holds it for a minute.
 */
export class OpenSockets {
  readonly #open = new Set<Socket>()
  /** Requests in progress; an upgraded socket stays here, its owner closes it. */
  readonly #busy = new Map<Socket, number>()
  #closing = false

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.add(socket)
      socket.on('close', () => {
        this.#open.delete(socket)
        this.#busy.delete(socket)
      })
    })
    server.on('upgrade', ({ socket }) => this.#begin(socket))
    server.on('request', ({ socket }, response) => {
      this.#begin(socket)
      response.on('close', () => this.#end(socket))
    })
  }

  /** Closes those that are idle now, and each other one when its last request is answered. */
  drain(): void {
    this.#closing = true
    for (const socket of this.#open) if (!this.#busy.has(socket)) socket.destroy()
  }

  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #begin(socket: Socket): void {
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1)
  }

  #end(socket: Socket): void {
    const left = (this.#busy.get(socket) ?? 1) - 1
    if (left > 0) {
      this.#busy.set(socket, left)
      return
    }
    this.#busy.delete(socket)
    if (this.#closing) socket.end()
  }
}
