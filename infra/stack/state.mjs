// What a stack is made of, in one file of its data folder: drills and specs read it to find a server's pid and port.
//   S1. Written whole (beside, then renamed) and after every start: whatever runs can be found and stopped.
//   S2. One command at a time changes a stack; a lock left by a killed one is recognised (its process is gone, P1).
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { look } from './processes.mjs'
import { Refusal } from './refusal.mjs'

export const stateFile = (folder) => join(folder, 'stack.json')

/** The stack kept in this folder, if there is one. */
export function readState(folder) {
  try {
    return JSON.parse(readFileSync(stateFile(folder), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw new Refusal(`${stateFile(folder)} cannot be read: ${error.message}`)
  }
}

/** S1 */
export function writeState(state) {
  const file = stateFile(state.folder)
  writeFileSync(`${file}.next`, `${JSON.stringify(state, undefined, 2)}\n`)
  renameSync(`${file}.next`, file)
}

export function serverOf(state, name) {
  const record = state?.servers.find((server) => server.name === name)
  if (record !== undefined) return record
  const there = state?.servers.map((server) => server.name).join(', ')
  throw new Refusal(`there is no server ${name} here${there ? `: there are ${there}` : ', nor any other'}`, {
    exitCode: 2,
  })
}

/** S2. Resolves with the release. */
export async function lock(folder) {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'lock')
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify({ pid: process.pid, began: look(process.pid)?.began }), { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw new Refusal(`cannot write to ${folder}: ${error.message}`)
    }
    const owner = ownerOf(file)
    if (owner !== undefined && look(owner.pid)?.began !== owner.began) rmSync(file, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Undefined while its owner is writing it, or has just let go of it. */
function ownerOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
