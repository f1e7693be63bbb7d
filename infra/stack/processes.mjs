// Processes that outlive the command that started them.
//   P1. A pid alone is never trusted: a restarted machine, or a busy one, hands it out again. What is recorded is the pid
//       and when that process began; a signal goes only to a process of which both are true.
//   P2. A dead process that nobody reaped (a container without an init) counts as gone.
//   P3. What a server said before it failed is part of the error.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { Refusal } from './refusal.mjs'

const lookEveryMs = 20
const lastWordsBytes = 3_000

/** When the process began, and how much memory it holds; undefined if there is none (P2). */
export function look(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const bootId = textOf('/proc/sys/kernel/random/boot_id')
  return bootId === undefined ? lookWithPs(pid) : lookInProc(pid, bootId.trim())
}

function lookInProc(pid, bootId) {
  const stat = textOf(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name before it may hold anything
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  const resident = /^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1]
  return { began: `${bootId}/${fields[19]}`, rssKb: Number(resident ?? 0) }
}

function lookWithPs(pid) {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,rss=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const found = status === 0 ? /^\s*(\S+)\s+(\d+)\s+(.+?)\s*$/.exec(stdout) : null
  return found === null || found[1].startsWith('Z') ? undefined : { began: found[3], rssKb: Number(found[2]) }
}

/** P1. The process of this record, if it is still that one. */
export function running(record) {
  const seen = look(record.pid)
  return seen !== undefined && seen.began === record.began ? seen : undefined
}

/** P1. False if there was nothing of ours to signal. */
export function signal(record, name) {
  if (running(record) === undefined) return false
  try {
    process.kill(record.pid, name)
    return true
  } catch (error) {
    if (error.code === 'ESRCH') return false
    throw new Refusal(`${record.name} (pid ${record.pid}) cannot be signalled: ${error.message}`)
  }
}

/** Starts what the record says, detached, and puts pid and beginning into it. */
export async function launch(record) {
  const log = openSync(record.log, 'a')
  try {
    record.saidBefore = fstatSync(log).size
    const [program, ...args] = record.command
    const { cwd, uid, gid } = record
    const child = spawn(program, args, {
      cwd,
      uid,
      gid,
      env: plainEnvironment(),
      detached: true,
      stdio: ['ignore', log, log],
    })
    record.pid = child.pid // at once: whoever ends the stack meanwhile must find it
    record.began = look(child.pid)?.began
    record.since = new Date().toISOString()
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    writeFileSync(record.pidFile, `${child.pid}\n`)
  } catch (error) {
    throw new Refusal(`${record.name} cannot be started: ${error.message}`)
  } finally {
    closeSync(log)
  }
}

/** Settings of ours in the caller's environment (PGPORT, OPENFGA_STORE_ID, …) would be settings of the servers too. */
export function plainEnvironment() {
  const kept = ['PATH', 'HOME', 'USER', 'LANG', 'TMPDIR', 'JAVA_HOME', 'SSL_CERT_FILE', 'SSL_CERT_DIR']
  return Object.fromEntries(
    kept.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]),
  )
}

/** Resolves when `answers` does; fails when the process ends or the time is up, with what it said last (P3). */
export async function comesUp(record, answers, withinMs) {
  const until = performance.now() + withinMs
  for (;;) {
    if (running(record) === undefined) throw new Refusal(`${record.name} ended while it started.${lastWords(record)}`)
    if (await answers()) return
    if (performance.now() > until) {
      throw new Refusal(`${record.name} does not answer after ${withinMs / 1_000} s.${lastWords(record)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

/** Asks it to end, and kills it when it takes too long. Resolves with how it went. */
export async function end(record, { signal: name, withinMs }) {
  if (!signal(record, name)) return 'was not running'
  const until = performance.now() + withinMs
  while (running(record) !== undefined) {
    if (performance.now() > until) {
      signal(record, 'SIGKILL')
      while (running(record) !== undefined) await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
      return `killed, because it had not ended after ${withinMs / 1_000} s`
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  return 'stopped'
}

function lastWords({ log, saidBefore = 0 }) {
  try {
    const file = openSync(log, 'r')
    try {
      const { size } = fstatSync(file)
      const from = Math.max(saidBefore, size - lastWordsBytes)
      const bytes = Buffer.alloc(Math.max(0, size - from))
      readSync(file, bytes, 0, bytes.length, from)
      const said = bytes.toString('utf8').trim()
      return said === '' ? ` It said nothing (${log}).` : ` Its last words (${log}):\n${said.replace(/^/gm, '    ')}`
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
