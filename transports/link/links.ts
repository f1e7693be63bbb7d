import { timingSafeEqual } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { pack, unpack } from 'msgpackr'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { MAX_LETTER_BYTES, onLetters, writeLetter } from './letters.ts'

/** Where a process of the cluster is reached by the others; it tells them in its row of `nodes`. */
export interface LinkAddress {
  readonly host: string
  readonly port: number
  /** Whoever calls must show it: those who can read our database, and nobody else. */
  readonly key: string
}

export interface LinksOptions {
  readonly self: () => string
  /** 0.0.0.0 where others are on other machines. */
  readonly host: string
  readonly key: string
  /** Undefined for a process that was not alive at the last beat. */
  readonly addressOf: (id: string) => LinkAddress | undefined
  /** Asks again who is alive: a process may have joined since. */
  readonly lookAgain: () => Promise<void>
  readonly take: (letter: Buffer) => void
  readonly clock: Clock
  readonly log: Logger
}

const CONNECT_MS = 2_000
const HELLO_MS = 5_000
const MAX_HELLO_BYTES = 4_096
const MAX_PEERS = 4_096
/** Not taken by a peer that is slow; beyond it letters are let go: soft state must not fill the memory (I9). */
const MAX_WAITING_BYTES = 16 * 1024 * 1024
/** After a call that failed, nobody is called for so long. */
const PAUSE_MS = 250

/**
 * TCP between the processes of a cluster, for what need not survive: live text to gateways, questions to nodes. One
 * connection for each pair and direction, made when there is something to say.
 *   K1. Nobody is heard who has not shown the key of the one it calls, by its id: a process started anew on an old port
 *       takes nothing meant for the one before.
 *   K2. What cannot be delivered at once is let go, and the sender told so; whoever relies on it has another way.
 *   K3. What is delivered to a peer is delivered in the order of `post`.
 */
export class Links {
  private readonly options: LinksOptions
  private readonly calls = new Map<string, Call>()
  private readonly sockets = new Set<Socket>()
  private server: Server | undefined
  private closed = false

  constructor(options: LinksOptions) {
    this.options = options
  }

  /** Resolves with the port. */
  listen(): Promise<number> {
    const server = createServer((socket) => this.answer(socket))
    server.maxConnections = MAX_PEERS
    this.server = server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, this.options.host, () => resolve((server.address() as { port: number }).port))
    })
  }

  /** Resolves to whether the letter is on its way. */
  async post(peer: string, letter: Buffer): Promise<boolean> {
    if (this.closed || letter.length > MAX_LETTER_BYTES) return false // for the latter the peer would end the connection
    // Nothing is awaited before the one promise that all letters to this peer wait for (K3).
    const socket = await (this.calls.get(peer) ?? this.call(peer)).ready
    if (socket === undefined || socket.writableLength > MAX_WAITING_BYTES) return false
    writeLetter(socket, letter)
    return true
  }

  async close(): Promise<void> {
    this.closed = true
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => (this.server === undefined ? resolve() : this.server.close(() => resolve())))
  }

  private call(peer: string): Call {
    const over = () => {
      call.ready = Promise.resolve(undefined)
      // Kept for a moment, so that a peer that is away is not called, or looked for, for each letter.
      this.options.clock.after(PAUSE_MS, () => {
        if (this.calls.get(peer) === call) this.calls.delete(peer)
      })
    }
    const call: Call = { ready: this.reach(peer, () => over()) }
    this.calls.set(peer, call)
    return call
  }

  private async reach(peer: string, over: () => void): Promise<Socket | undefined> {
    const { addressOf, lookAgain, self, clock, log } = this.options
    if (addressOf(peer) === undefined) await lookAgain().catch(() => {})
    const address = addressOf(peer)
    if (address === undefined || this.closed) {
      over()
      return undefined
    }
    const socket = connect({ host: address.host, port: address.port, noDelay: true, keepAlive: true })
    this.keep(socket)
    socket.on('error', (error) => log.debug({ peer, error: error.message }, 'a peer cannot be reached'))
    return new Promise((resolve) => {
      const cancel = clock.after(CONNECT_MS, () => socket.destroy())
      socket.once('connect', () => {
        cancel()
        writeLetter(socket, pack({ to: peer, from: self(), key: address.key }))
        resolve(socket)
      })
      socket.once('close', () => {
        cancel()
        resolve(undefined)
        over()
      })
    })
  }

  private answer(socket: Socket): void {
    const { self, key, take, clock, log } = this.options
    this.keep(socket)
    socket.on('error', () => {})
    let known = false
    const cancel = clock.after(HELLO_MS, () => socket.destroy())
    socket.once('close', cancel)
    const letters = (letter: Buffer) => {
      if (known) return take(letter)
      cancel()
      known = isHello(letter, self(), key) // K1
      if (known) return
      log.warn({ from: socket.remoteAddress }, 'somebody who is no peer of ours called')
      socket.destroy()
    }
    const most = () => (known ? MAX_LETTER_BYTES : MAX_HELLO_BYTES)
    onLetters(socket, letters, () => socket.destroy(), most)
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
  }
}

interface Call {
  /** Undefined when there is no way to the peer. */
  ready: Promise<Socket | undefined>
}

function isHello(letter: Buffer, self: string, key: string): boolean {
  try {
    const hello = unpack(letter) as { to?: unknown; key?: unknown }
    const shown = Buffer.from(String(hello.key))
    const own = Buffer.from(key)
    return hello.to === self && shown.length === own.length && timingSafeEqual(shown, own)
  } catch {
    return false
  }
}
