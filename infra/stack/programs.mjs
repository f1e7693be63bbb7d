import { execFile, execFileSync } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { plainEnvironment } from './processes.mjs'
import { Refusal } from './refusal.mjs'

/** Programs of the system and the Debian package each comes with. */
const packages = {
  java: 'default-jre-headless',
  mvn: 'maven',
  go: 'golang-go',
  initdb: 'postgresql',
  postgres: 'postgresql',
  psql: 'postgresql',
  pg_isready: 'postgresql',
  'redis-server': 'redis-server',
  prometheus: 'prometheus',
}

/** Paths of these programs, or one refusal that names all that is missing and the command that installs it. */
export function findPrograms(names) {
  const found = names.map((name) => [name, pathOf(name)])
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name)
  if (missing.length > 0) {
    const wanted = [...new Set(missing.map((name) => packages[name]))].join(' ')
    throw new Refusal(`not installed: ${missing.join(', ')}.\n  On Debian: apt-get install ${wanted}`)
  }
  return Object.fromEntries(found)
}

function pathOf(name) {
  return folders()
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function folders() {
  const postgres = list('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
  return [
    ...(process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, 'bin')] : []),
    ...(process.env.PATH ?? '').split(delimiter),
    ...postgres.map((version) => `/usr/lib/postgresql/${version}/bin`), // Debian keeps these off the PATH
    ...['/usr/local/bin', '/usr/local/go/bin', '/usr/bin', '/opt/homebrew/bin'],
  ]
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function list(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Runs a program to its end; what it said is the error if it fails. Resolves with its stdout. */
export function runToEnd(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const all = { encoding: 'utf8', maxBuffer: 1 << 26, env: plainEnvironment(), ...options }
    const child = execFile(program, args.map(String), all, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else
        reject(
          new Refusal(
            `${program} ${args[0] ?? ''} failed: ${(stderr || stdout || error.message).trim().slice(-3_000)}`,
          ),
        )
    })
    child.stdin?.end()
  })
}

/** Ids of a user of this system. */
export function idsOf(user) {
  const id = (flag) =>
    Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    throw new Refusal(`run as root, Postgres needs a user "${user}": on Debian, apt-get install postgresql makes it`)
  }
}
