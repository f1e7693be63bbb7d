import { createServer, type Socket } from 'node:net'

/** Servers that do not do what their clients hope for; each on a free loopback port until `stop`. */
export interface OddServer {
  readonly port: number
  /** Connections taken so far. */
  readonly connections: () => number
  stop(): Promise<void>
}

/** Answers each chunk that it is sent by what `answer` makes of it; undefined says nothing. */
export async function oddServer(answer: (chunk: Buffer) => Buffer | string | undefined, port = 0): Promise<OddServer> {
  const sockets = new Set<Socket>()
  let taken = 0
  const server = createServer((socket) => {
    taken++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      const said = answer(chunk)
      if (said !== undefined) socket.write(said)
    })
  })
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    connections: () => taken,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** Takes the connection and says nothing, as a frozen process does. */
export const silentServer = () => oddServer(() => undefined)

export const httpServer = (status: number, body = '{}') =>
  oddServer(
    () =>
      `HTTP/1.1 ${status} Odd\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )

/** Redis as old as `version`: it knows no HELLO. */
export const oldRedis = (version: string, port = 0) =>
  oddServer((chunk) => {
    const commands = [...chunk.toString('latin1').matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)]
    const info = `# Server\r\nredis_version:${version}\r\n`
    return commands
      .map(([, command = '']) => {
        if (/^hello$/i.test(command)) return '-ERR unknown command `HELLO`\r\n'
        return /^info$/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n'
      })
      .join('')
  }, port)

/** Postgres that lets everybody in and answers whatever it is asked by one row: its version. */
export const oldPostgres = (version: string, number: string) =>
  oddServer((chunk) => {
    // A start packet has no type byte; every later one has.
    if (chunk[0] === 0) return Buffer.concat([message('R', int32(0)), ready])
    if (chunk[0] !== 'Q'.charCodeAt(0)) return undefined
    const row = [version, number, 'f']
    return Buffer.concat([
      message('T', int16(row.length), ...['version', 'number', 'replica'].map(column)),
      message('D', int16(row.length), ...row.map((value) => Buffer.concat([int32(value.length), Buffer.from(value)]))),
      message('C', Buffer.from('SELECT 1\0')),
      ready,
    ])
  })

/** A broker that speaks Produce no further than `newest`, as 0.10 does. */
export const oldBroker = (newest: number) =>
  oddServer((chunk) => {
    const versions = [0, 1, 2, 3, 18, 19].map((key) => Buffer.concat([int16(key), int16(0), int16(newest)]))
    const body = Buffer.concat([chunk.subarray(8, 12), int16(0), int32(versions.length), ...versions])
    return Buffer.concat([int32(body.length), body])
  })

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

const TEXT_OID = 25
const column = (name: string) =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(TEXT_OID), int16(-1), int32(-1), int16(0)])
const ready = message('Z', Buffer.from('I'))
