import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { Refusal } from './refusal.mjs'

/** Servers listen here and nowhere else: they ask for no password. */
export const loopback = '127.0.0.1'

// Below the range from which systems take the ports of outgoing connections (32768 on Linux): a broker that is stopped and
// started again must find its port still free.
const lowest = 20_000
const highest = 32_000

/** So many free ports, all different. */
export async function freePorts(count) {
  const found = new Set()
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries > 50 * count) throw new Refusal(`no ${count} free ports between ${lowest} and ${highest}`)
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, loopback, () => server.close(() => resolve(true)))
  })
}

export function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: loopback, port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Refuses with the name of whoever has one of these ports. */
export async function needFree(ports, name) {
  for (const [what, port] of Object.entries(ports)) {
    if (await isFree(port)) continue
    throw new Refusal(
      `port ${port}, which ${name} needs (${what}), is taken${holderOf(port)}.\n` +
        `  Stop that, or choose others: --ports ${name}=PORT,… or --ports free.`,
    )
  }
}

/** " by redis-server (pid 17: redis-server 127.0.0.1:6379)" as far as this user may see it; Linux only. */
function holderOf(port) {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listening(table, port)))
  if (sockets.size === 0) return ''
  for (const pid of entries('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const holds = entries(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)))
    if (!holds) continue
    const words = textOf(`/proc/${pid}/cmdline`).split('\0').join(' ').trim()
    return ` by pid ${pid} (${words.length > 120 ? `${words.slice(0, 120)}…` : words})`
  }
  return ' by a process of another user'
}

function listening(table, port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return textOf(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A')
    .map((fields) => `socket:[${fields[9]}]`)
}

function entries(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linkOf(file) {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
