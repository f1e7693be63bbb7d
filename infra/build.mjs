#!/usr/bin/env node
// Makes a checkout ready to run: dependencies, then dist/. Plain JavaScript on Node's own modules, because it runs before
// there is anything else.
//   B1. When nothing changed it only looks (a few ms): sizes and times of the sources against a stamp, no hashing.
//   B2. dist/ is whole or absent: tsc writes beside it and a rename swaps, so nobody imports half a build, and output of
//       deleted sources goes with the old folder.
//   B3. The stamp is taken before tsc reads: a file saved during the build makes the next look stale, never wrongly fresh.
//   B4. One build at a time: the lock is a folder (mkdir is atomic) that its owner keeps touching. One left behind by a
//       killed build is recognised by its age, not by a pid, which a restarted machine hands out again.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const sourceFolders = ['actors', 'supervisors', 'transports', 'persistence', 'infra', 'spec']
const oldestNode = [20, 19]
const lockTouchMs = 1_000
const lockStaleMs = 10_000

/** What went wrong in words that name the remedy; printed without a stack. */
class CannotPrepare extends Error {}

/** Installs and builds what is missing or stale in the checkout at `root`; a package without sources is left alone. */
export async function prepare({ root = checkout, force = false } = {}) {
  refuseOldNode()
  if (!fs.existsSync(path.join(root, 'tsconfig.json'))) return
  if (!force && isInstalled(root) && isBuilt(root)) return
  const release = await lock(root)
  try {
    if (!isInstalled(root)) await install(root)
    if (force || !isBuilt(root)) await build(root)
  } finally {
    release()
  }
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return
  throw new CannotPrepare(
    `Node ${process.versions.node} is too old: SomaAgent needs ${oldestNode.join('.')} or newer. ` +
      'Install it from https://nodejs.org (or `nvm install 22`), then run this again.',
  )
}

/** npm writes node_modules/.package-lock.json last, so it tells what is wholly installed, whoever installed it. */
function isInstalled(root) {
  const wanted = packagesOf(path.join(root, 'package-lock.json'))
  const present = packagesOf(path.join(root, 'node_modules', '.package-lock.json'))
  if (!wanted || !present) return false
  return Object.entries(wanted).every(
    ([where, entry]) => where === '' || entry.optional || present[where]?.version === entry.version,
  )
}

function packagesOf(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

async function install(root) {
  say('installing dependencies (npm ci)')
  const npm = process.env.npm_execpath
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  const [command, all] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args]
  const code = await run(root, command, all)
  if (code === 'missing') throw new CannotPrepare('npm was not found: install Node with npm, or run `npm ci` yourself.')
  if (code === 0) return
  throw new CannotPrepare(
    `npm ci failed (exit ${code}). If its output speaks of ENOTFOUND, ETIMEDOUT or ECONNREFUSED, the package registry ` +
      'is out of reach: see `npm config get registry` and `npm ping`. If it says that package.json and ' +
      'package-lock.json disagree, run `npm install` and commit both.',
  )
}

function isBuilt(root) {
  try {
    return fs.readFileSync(path.join(root, 'dist', '.stamp'), 'utf8') === stampOf(root)
  } catch {
    return false
  }
}

function stampOf(root) {
  const lines = []
  for (const file of ['tsconfig.json', 'package-lock.json']) lines.push(lineOf(path.join(root, file), file))
  for (const folder of sourceFolders) collect(path.join(root, folder), folder, lines)
  return lines.join('\n')
}

function collect(folder, name, lines) {
  if (!fs.existsSync(folder)) return
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const full = path.join(folder, entry.name)
    if (entry.isDirectory()) collect(full, `${name}/${entry.name}`, lines)
    else if (/\.(tsx?|css|html|svg)$/.test(entry.name) || entry.name === 'vite.config.mjs')
      lines.push(lineOf(full, `${name}/${entry.name}`))
  }
}

function lineOf(file, name) {
  const { mtimeMs, size } = fs.statSync(file)
  return `${name} ${mtimeMs} ${size}`
}

async function build(root) {
  const from = performance.now()
  const stamp = stampOf(root) // B3
  say('building')
  const next = path.join(root, 'dist-next')
  fs.rmSync(next, { recursive: true, force: true })
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const compiled = run(root, process.execPath, [tsc, '-p', root, '--outDir', next])
  const codes = await Promise.all([compiled, ...buildConsole(root, tsc, next)])
  if (codes.some((code) => code !== 0)) {
    fs.rmSync(next, { recursive: true, force: true })
    throw new CannotPrepare('the sources do not compile; the errors are above.')
  }
  fs.writeFileSync(path.join(next, '.stamp'), stamp)
  swap(root, next)
  say(`built in ${((performance.now() - from) / 1_000).toFixed(1)} s`)
}

/** The page at `/`: its types are checked and Vite bundles it, beside tsc. A checkout without a console builds none. */
function buildConsole(root, tsc, next) {
  const console = path.join(root, 'transports', 'gateway', 'console')
  if (!fs.existsSync(console)) return []
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const config = path.join(console, 'vite.config.mjs')
  const out = path.join(next, 'console')
  return [
    run(root, process.execPath, [tsc, '-p', console]),
    run(root, process.execPath, [vite, 'build', '--config', config, '--outDir', out]),
  ]
}

/** B2. Two renames; a crash between them leaves no dist/, which reads as stale. */
function swap(root, next) {
  const dist = path.join(root, 'dist')
  const old = path.join(root, 'dist-old')
  fs.rmSync(old, { recursive: true, force: true })
  if (fs.existsSync(dist)) fs.renameSync(dist, old)
  fs.renameSync(next, dist)
  fs.rmSync(old, { recursive: true, force: true })
}

/** B4. Resolves with the release once this process alone may install and build. */
async function lock(root) {
  const folder = path.join(root, 'dist-lock')
  let told = false
  for (;;) {
    try {
      fs.mkdirSync(folder)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw new CannotPrepare(`cannot write to ${root} (${error.code}): make it writable, or build it beforehand.`)
      }
    }
    if (ageOf(folder) > lockStaleMs) {
      breakStale(folder)
      continue
    }
    if (!told) say('waiting for another build of this checkout')
    told = true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const touch = setInterval(() => fs.utimes(folder, new Date(), new Date(), () => {}), lockTouchMs)
  return () => {
    clearInterval(touch)
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Renaming lets one of several waiters win; it looks again at what it took, because a faster one may have renewed it. */
function breakStale(folder) {
  const taken = `${folder}-${process.pid}`
  try {
    fs.renameSync(folder, taken)
  } catch {
    return
  }
  if (ageOf(taken) <= lockStaleMs) {
    try {
      fs.renameSync(taken, folder)
      return
    } catch {
      // A third build has the lock by now; the one we took from waits for nothing more than its own tsc.
    }
  }
  fs.rmSync(taken, { recursive: true, force: true })
}

function ageOf(folder) {
  try {
    return Date.now() - fs.statSync(folder).mtimeMs
  } catch {
    return 0
  }
}

/** Everything said goes to stderr: stdout belongs to the command that runs afterwards (`soma … --json`). */
function run(root, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
    child.on('error', (error) => (error.code === 'ENOENT' ? resolve('missing') : reject(error)))
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
}

function say(text) {
  process.stderr.write(`soma: ${text}\n`)
}

/** `prepare` for a command line: what cannot be prepared ends the process with one line instead of a stack. */
export async function prepareOrExit(options) {
  try {
    await prepare(options)
  } catch (error) {
    if (!(error instanceof CannotPrepare)) throw error
    process.stderr.write(`soma: ${error.message}\n`)
    process.exit(1)
  }
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await prepareOrExit({ force: process.argv.includes('--force') })
}
