import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A line to a server that a spec can hold still (nothing passes, nobody is told) or cut (every connection ends, none begins). */
export async function cuttableLine(dsn: string) {
  const to = new URL(dsn)
  const pairs = new Set<[Socket, Socket]>()
  let state: 'open' | 'silent' | 'cut' = 'open'
  const server = createServer((near) => {
    if (state === 'cut') return near.destroy()
    const far = connect(Number(to.port || 5432), to.hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    for (const [from, onto] of [pair, [far, near] as const]) {
      from.on('data', (chunk) => onto.write(chunk))
      from.on('error', () => {})
      from.on('close', () => {
        onto.destroy()
        pairs.delete(pair)
      })
      if (state === 'silent') from.pause()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const through = new URL(dsn)
  through.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const each = (act: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket)
  }
  return {
    dsn: through.href,
    silence() {
      state = 'silent'
      each((socket) => socket.pause())
    },
    cut() {
      state = 'cut'
      each((socket) => socket.destroy())
    },
    /** The near end is gone and the far end is not told, as when a network forgets a connection. */
    forget() {
      for (const [near] of pairs) near.removeAllListeners('close').destroy()
    },
    mend() {
      state = 'open'
      each((socket) => socket.resume())
    },
    async close() {
      each((socket) => socket.destroy())
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
