import { mkdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { loopback } from './ports.mjs'
import { findPrograms } from './programs.mjs'

export const startsWithinMs = 20_000
export const stops = { signal: 'SIGTERM', withinMs: 8_000 }

export const programs = async () => findPrograms(['redis-server'])

export function records(stack, { 'redis-server': server }) {
  const home = join(stack.folder, 'redis')
  const { port } = stack.ports.redis
  const kept = stack.throwaway ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', 'everysec']
  const command = [server, '--port', String(port), '--bind', loopback, '--dir', home, '--save', '', ...kept]
  return [{ name: 'redis', kind: 'redis', port, ports: { port }, command, home }]
}

export async function prepare(record) {
  mkdirSync(record.home, { recursive: true })
}

/** The port opens before what was kept is loaded; until then PING is refused. */
export function answers({ port }) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: loopback, port }, () => socket.write('PING\r\n'))
    const done = (yes) => {
      socket.destroy()
      resolve(yes)
    }
    socket.setTimeout(1_000, () => done(false))
    socket.on('error', () => done(false))
    socket.on('data', (data) => done(data.toString().startsWith('+PONG')))
  })
}

export const variables = ([{ port }]) => ({ REDIS_URL: `redis://${loopback}:${port}` })
