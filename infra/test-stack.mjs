#!/usr/bin/env node
// Real Postgres and Redis for the specs that need them: `node infra/test-stack.mjs -- npm test`.
// Both listen on free loopback ports, live in a temporary folder, and are gone when the command ends.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const WAIT_MS = 20_000

const split = process.argv.indexOf('--')
const command = process.argv.slice(split + 1)
if (split === -1 || command.length === 0) fail('usage: node infra/test-stack.mjs -- <command> [arguments…]')

const binaries = findBinaries()
const folder = mkdtempSync(join(tmpdir(), 'soma-stack-'))
const servers = []
let wrapped // the wrapped process, to which signals are passed on

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => wrapped?.kill(signal))

let status = 1
try {
  const [postgresPort, redisPort] = [await freePort(), await freePort()]
  const dsn = await startPostgres(postgresPort)
  const redis = await startRedis(redisPort)
  status = await run({ SOMA_TEST_POSTGRES_DSN: dsn, SOMA_TEST_REDIS_URL: redis })
} catch (error) {
  console.error(`test-stack: ${error.message}`)
} finally {
  for (const stop of servers.reverse()) await stop()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(status)

async function startPostgres(port) {
  const data = join(folder, 'postgres')
  // Postgres refuses to run as root; Debian's package brings the user `postgres`.
  const user = process.getuid?.() === 0 ? idsOf('postgres') : {}
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  const options = { ...user, cwd: folder, encoding: 'utf8' }
  const made = spawnSync(binaries.initdb, ['-D', data, '-A', 'trust', '-U', 'soma', '-E', 'UTF8', '--no-sync'], options)
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`)
  // fsync off: the folder is thrown away. Everything else is as in production.
  const server = start(
    'postgres',
    binaries.postgres,
    ['-D', data, '-p', port, '-h', '127.0.0.1', '-k', folder, '-F'],
    user,
  )
  servers.push(() => stopped(server, 'SIGQUIT'))
  await listening(server, port)
  await answering(server, port, user)
  return `postgres://soma@127.0.0.1:${port}/postgres`
}

async function startRedis(port) {
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const server = start('redis', binaries.redis, args, {})
  servers.push(() => stopped(server, 'SIGKILL'))
  await listening(server, port)
  return `redis://127.0.0.1:${port}`
}

function start(name, binary, args, user) {
  const child = spawn(binary, args.map(String), { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const server = { name, child, said: '' }
  const listen = (chunk) => {
    server.said = (server.said + chunk).slice(-4_000)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  child.on('error', (error) => listen(error.message))
  return server
}

async function stopped({ child }, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await gone
}

async function listening(server, port) {
  const until = Date.now() + WAIT_MS
  while (!(await accepts(port))) {
    if (server.child.exitCode !== null || Date.now() > until)
      throw new Error(`${server.name} did not start: ${server.said}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

// The port opens a moment before Postgres takes statements.
async function answering(server, port, user) {
  const until = Date.now() + WAIT_MS
  const ask = ['-h', '127.0.0.1', '-p', String(port), '-U', 'soma', '-q']
  while (spawnSync(binaries.pgIsReady, ask, { ...user, cwd: folder }).status !== 0) {
    if (Date.now() > until) throw new Error(`${server.name} does not answer: ${server.said}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function run(variables) {
  return new Promise((resolve) => {
    wrapped = spawn(command[0], command.slice(1), { stdio: 'inherit', env: { ...process.env, ...variables } })
    wrapped.on('error', (error) => {
      console.error(`test-stack: ${command[0]}: ${error.message}`)
      resolve(127)
    })
    wrapped.on('exit', (code, signal) => resolve(code ?? (signal ? 130 : 1)))
  })
}

function findBinaries() {
  const versions = list('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => `/usr/lib/postgresql/${version}/bin`),
    '/usr/local/bin',
    '/usr/bin',
    '/opt/homebrew/bin',
  ]
  const find = (name, debianPackage) => {
    const found = folders.map((dir) => join(dir, name)).find(isExecutable)
    return found ?? fail(`${name} is not installed; on Debian: apt-get install ${debianPackage}`)
  }
  return {
    initdb: find('initdb', 'postgresql'),
    postgres: find('postgres', 'postgresql'),
    pgIsReady: find('pg_isready', 'postgresql'),
    redis: find('redis-server', 'redis-server'),
  }
}

function list(dir) {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function idsOf(user) {
  try {
    const id = (flag) =>
      Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return fail(`run as root, Postgres needs a user "${user}": on Debian the package postgresql makes it`)
  }
}

function fail(message) {
  console.error(`test-stack: ${message}`)
  process.exit(2)
}
