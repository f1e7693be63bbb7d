// One Postgres, or two for a journal that is spread by shard. It refuses to run as root: then it runs as the user that
// Debian's package makes, and where that user cannot enter the data folder (a checkout below /root), Postgres keeps its
// data in a folder of its own.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loopback } from './ports.mjs'
import { findPrograms, idsOf, runToEnd } from './programs.mjs'

export const startsWithinMs = 30_000
// Fast shutdown: sessions are ended, work is written. Plain SIGTERM would wait for every client to leave.
export const stops = { signal: 'SIGINT', withinMs: 10_000 }

const user = 'soma'
const reachable = '/var/tmp'

export const programs = async () => findPrograms(['initdb', 'postgres', 'psql', 'pg_isready'])

export const serverNames = ({ postgres }) =>
  Array.from({ length: postgres }, (_, index) => (index === 0 ? 'postgres' : `postgres-${index + 1}`))

export function records(stack, found) {
  const owner = process.getuid?.() === 0 ? idsOf('postgres') : {}
  return serverNames(stack).map((name) => {
    const { port } = stack.ports[name]
    const home = homeOf(stack.folder, name, owner)
    const settings = ['max_connections=300', 'unix_socket_directories=', 'log_min_messages=warning']
    const command = [
      found.postgres,
      '-D',
      home,
      '-p',
      String(port),
      '-h',
      loopback,
      ...settings.flatMap((s) => ['-c', s]),
    ]
    if (stack.throwaway) command.push('-F') // no fsync: the folder is thrown away. The rest is as in production.
    return { name, kind: 'postgres', port, ports: { port }, command, home, isReady: found.pg_isready, ...owner }
  })
}

function homeOf(folder, name, owner) {
  if (owner.uid === undefined) return join(folder, name)
  const enters = spawnSync('test', ['-x', folder], { ...owner, cwd: '/' }).status === 0
  if (enters) return join(folder, name)
  const key = createHash('sha256').update(folder).digest('hex').slice(0, 12)
  return join(existsSync(reachable) ? reachable : tmpdir(), `soma-stack-${key}-${name}`)
}

/** Made beside its place and renamed, so that a start that was cut off leaves no half of a database. */
export async function prepare({ home, uid, gid }, { throwaway }, { initdb }) {
  if (existsSync(home)) return
  const half = `${home}.making`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(half, { recursive: true, mode: 0o700 })
  if (uid !== undefined) chownSync(half, uid, gid)
  const args = ['-D', half, '-A', 'trust', '-U', user, '-E', 'UTF8', '--locale=C']
  await runToEnd(initdb, throwaway ? [...args, '--no-sync'] : args, { uid, gid, cwd: half })
  renameSync(half, home)
}

/** The port opens a moment before it takes statements. */
export async function answers({ port, isReady }) {
  const ask = ['-h', loopback, '-p', String(port), '-U', user, '-q']
  return spawnSync(isReady, ask, { stdio: 'ignore', cwd: '/' }).status === 0
}

export const dsnOf = ({ port }, database = 'postgres') => `postgres://${user}@${loopback}:${port}/${database}`

export function variables([first, second]) {
  const one = { POSTGRES_DSN: dsnOf(first) }
  return second === undefined ? one : { ...one, SOMA_STACK_POSTGRES_DSN_2: dsnOf(second) }
}
