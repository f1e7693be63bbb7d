import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { accessSync, chownSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { ScratchFolder } from './scratch-folder.ts'

/** Real servers with passwords, which the servers of the specs do not have: on free loopback ports, gone after `stop`. */
export interface OwnServer {
  readonly port: number
  stop(): Promise<void>
}

export const PASSWORD = 'right-and-secret'

/** Undefined where it is not installed; .ci/run installs it. */
export function postgresBinaries(): string | undefined {
  const versions = list('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
  const folders = [
    ...versions.map((version) => `/usr/lib/postgresql/${version}/bin`),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return folders.find((folder) => isExecutable(join(folder, 'initdb')) && isExecutable(join(folder, 'postgres')))
}

export const redisBinary = (): string | undefined =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
    .map((folder) => join(folder, 'redis-server'))
    .find(isExecutable)

/** User soma with a password, asked for by scram-sha-256. */
export async function ownPostgres(binaries: string): Promise<OwnServer> {
  const folder = new ScratchFolder()
  const data = join(folder.path, 'data')
  // Postgres refuses to run as root; Debian's package brings the user `postgres`.
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : undefined
  if (user) chownSync(folder.path, user.uid, user.gid)
  const passwordFile = folder.write('password', PASSWORD)
  const arguments_ = ['-D', data, '-U', 'soma', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync']
  const made = spawnSync(join(binaries, 'initdb'), arguments_, { ...user, cwd: folder.path, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder.path, '-F']
  const child = spawn(join(binaries, 'postgres'), options, { ...user, cwd: folder.path })
  await said(child, /ready to accept connections/)
  return { port, stop: () => stopped(child, 'SIGQUIT', folder) }
}

export async function ownRedis(binary: string): Promise<OwnServer> {
  const folder = new ScratchFolder()
  const port = await freePort()
  const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder.path]
  const child = spawn(binary, ['--port', String(port), '--requirepass', PASSWORD, ...settings])
  await said(child, /Ready to accept connections/)
  return { port, stop: () => stopped(child, 'SIGKILL', folder) }
}

function said(child: ChildProcess, words: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    const listen = (chunk: Buffer) => {
      log += chunk
      if (words.test(log)) resolve()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`it did not start: ${log}`)))
  })
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals, folder: ScratchFolder): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  folder.remove()
}

const idOf = (flag: '-u' | '-g') => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
