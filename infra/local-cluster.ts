import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Failure } from '../actors/kernel/failure.ts'
import { freePort } from '../supervisors/drills/service-process.ts'
import { controlServer, order } from '../supervisors/local-cluster/control.ts'
import { LocalCluster, type ProcessRow } from '../supervisors/local-cluster/local-cluster.ts'
import type { Member } from '../supervisors/local-cluster/supervised-process.ts'
import type { LocalClusters, UpOptions, UpState } from '../transports/cli/local-cluster-commands.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import { clusterServers, type Servers } from './cluster-servers.ts'

/** What a drill, another terminal or `soma up --stop` finds of a running local cluster. */
interface StateFile {
  readonly pid: number
  readonly socket: string
  readonly ready: boolean
}

const somaMain = fileURLToPath(new URL('./soma-main.js', import.meta.url))
const DETACHED_START_MS = 120_000

/** `soma up`: nodes and gateways of one machine under supervision, with log files and a control socket in one folder. */
export function localClusters(dataDir: string): LocalClusters {
  const folder = path.join(dataDir, 'cluster')
  return {
    up: (options, told) => up(folder, dataDir, options, told),
    detached: (options) => detached(folder, options),
    async stop() {
      const state = await running(folder)
      if (!state) return false
      await order(state.socket, 'POST', '/stop')
      while (await running(folder)) await pause(50)
      return true
    },
  }
}

async function up(folder: string, dataDir: string, options: UpOptions, told: (line: string) => void) {
  const already = await running(folder)
  if (already) {
    throw new Failure(
      'CONFIG_INVALID',
      `A local cluster runs already (pid ${already.pid}); \`soma up --stop\` ends it.`,
    )
  }
  const servers = await clusterServers(process.env)
  mkdirSync(folder, { recursive: true })
  const logs = path.join(folder, 'logs')
  mkdirSync(logs, { recursive: true })
  const started = clock.now()
  const since = () => `${((clock.now() - started) / 1_000).toFixed(1).padStart(7)} s  `
  let ended = (_code: number) => {}
  const end = new Promise<number>((resolve) => {
    ended = resolve
  })
  let stopping: Promise<void> | undefined
  const cluster = new LocalCluster(await members(logs, dataDir, options, servers), {
    clock,
    random: () => ids.random(),
    told: (line) => told(since() + line),
    gaveUp: () => void stop(1),
  })
  const stop = (code: number) => {
    stopping ??= (async () => {
      told(`${since()}stopping: gateways, then nodes`)
      await cluster.stop().catch((error: Error) => told(`${since()}${error.message}`))
      await cluster.release()
      server.close()
      rmSync(path.join(folder, 'state.json'), { force: true })
      rmSync(socket, { force: true })
      ended(code)
    })()
    return stopping
  }
  const socket = socketPath(folder)
  rmSync(socket, { force: true })
  const server = controlServer(cluster, () => void stop(0))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve))
  writeState(folder, { pid: process.pid, socket, ready: false })
  onSignals(
    () => void stop(0),
    (code) => process.exit(code),
  )
  try {
    told(`${since()}starting ${options.nodes} nodes and ${options.gateways} gateways; logs in ${logs}`)
    await cluster.start()
  } catch (error) {
    if (stopping) {
      await stopping
      return { state: undefined, ended: end }
    }
    await stop(1)
    throw new Failure('CLUSTER_NOT_READY', (error as Error).message, { cause: error })
  }
  writeState(folder, { pid: process.pid, socket, ready: true })
  return { state: { logs, ...(await stateOf(cluster.rows())) }, ended: end }
}

async function members(logs: string, dataDir: string, options: UpOptions, servers: Servers): Promise<Member[]> {
  const names = [
    ...Array.from({ length: options.gateways }, (_, n) => ({ name: `gateway-${n + 1}`, role: 'gateway' as const })),
    ...Array.from({ length: options.nodes }, (_, n) => ({ name: `node-${n + 1}`, role: 'node' as const })),
  ]
  return Promise.all(
    names.map(async ({ name, role }, n) => ({
      name,
      role,
      port: role === 'gateway' ? options.port + n : await freePort(),
      program: [somaMain, role],
      log: path.join(logs, `${name}.log`),
      inherit: 'everything' as const,
      env: {
        ...servers,
        SOMA_DATA_DIR: dataDir,
        SOMA_NODE_NAME: name,
        SOMA_ROLES: role === 'gateway' ? 'gateway' : 'session,tool,memory',
        SOMA_LOG_FORMAT: 'json',
      },
    })),
  )
}

/** The same command in a process of its own that outlives this one. */
async function detached(folder: string, options: UpOptions): Promise<UpState> {
  mkdirSync(folder, { recursive: true })
  const logFile = path.join(folder, 'up.log')
  const log = openSync(logFile, 'w')
  const args = ['up', '--nodes', options.nodes, '--gateways', options.gateways, '--port', options.port].map(String)
  const child = spawn(process.execPath, ['--enable-source-maps', somaMain, ...args], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  let gone = false
  child.once('exit', () => {
    gone = true
  })
  const until = clock.now() + DETACHED_START_MS
  for (; clock.now() < until && !gone; await pause(100)) {
    const state = await running(folder)
    if (state?.pid !== child.pid || !state?.ready) continue
    child.unref()
    return {
      logs: path.join(folder, 'logs'),
      ...(await stateOf((await order(state.socket, 'GET', '/processes')).processes)),
    }
  }
  if (!gone) child.kill('SIGTERM')
  throw new Failure('CLUSTER_NOT_READY', readFileSync(logFile, 'utf8').trim().split('\n').slice(-15).join('\n'))
}

async function stateOf(rows: readonly ProcessRow[]): Promise<Omit<UpState, 'logs'>> {
  const url = rows.find(({ role }) => role === 'gateway')?.url ?? ''
  const shards = await shardsByName(url).catch(() => new Map<string, string>())
  return {
    url,
    processes: rows.map((row) => {
      const owned = shards.get(row.name)
      return { ...row, ...(row.role === 'node' && owned !== undefined && { shards: owned }) }
    }),
  }
}

/** Rejects where the gateway wants a token: then the table goes without. */
async function shardsByName(url: string): Promise<Map<string, string>> {
  const { nodes } = (await (await fetch(`${url}/v1/admin/nodes`)).json()) as {
    readonly nodes: readonly { readonly name: string; readonly shards: Readonly<Record<string, number>> }[]
  }
  const told = (shards: Readonly<Record<string, number>>) =>
    Object.entries(shards)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')
  return new Map(nodes.map(({ name, shards }) => [name, told(shards)]))
}

/** The cluster of this folder, if its supervisor answers; a state file left by a killed one is no cluster. */
async function running(folder: string): Promise<StateFile | undefined> {
  const file = path.join(folder, 'state.json')
  if (!existsSync(file)) return undefined
  const state = JSON.parse(readFileSync(file, 'utf8')) as StateFile
  return order(state.socket, 'GET', '/processes').then(
    () => state,
    () => undefined,
  )
}

function writeState(folder: string, state: StateFile): void {
  const file = path.join(folder, 'state.json')
  writeFileSync(`${file}.next`, `${JSON.stringify(state)}\n`)
  renameSync(`${file}.next`, file)
}

/** A socket's path has room for about a hundred bytes. */
function socketPath(folder: string): string {
  const beside = path.join(folder, 'control.sock')
  return beside.length < 100 ? beside : path.join(tmpdir(), `soma-${process.pid}.sock`)
}

/** The first signal drains everything, the second ends it at once: the processes then drain by themselves. */
function onSignals(first: () => void, second: (code: number) => void): void {
  let heard = false
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (heard) second(code)
      else first()
      heard = true
    })
  }
}
