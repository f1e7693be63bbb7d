import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { kinds } from './kinds.mjs'
import { end, running } from './processes.mjs'
import { Refusal, say } from './refusal.mjs'
import { stateFile, writeState } from './state.mjs'

/** Ends every server of this stack that runs. Resolves with a line for each. */
export async function takeDown(stack, { abruptly = false } = {}) {
  const lines = await Promise.all(
    stack.servers.map(
      async (record) => `${record.name}: ${await end(record, abruptly ? abrupt(record) : kinds[record.kind].stops)}`,
    ),
  )
  return lines
}

/** Without a chance to tidy up: for a rehearsal, or for data that nobody will read again. Postgres is asked, because a killed one leaves its shared memory behind. */
export function abrupt({ kind }) {
  return kind === 'postgres' ? { signal: 'SIGQUIT', withinMs: 5_000 } : { signal: 'SIGKILL', withinMs: 5_000 }
}

/**
 * Removes a stopped stack's data: the folders of its servers, then its own. A folder that holds anything else is somebody's:
 * --data may have named one that was there before, and then only what is the stack's goes.
 */
export function deleteData(stack) {
  const alive = stack.servers.filter((record) => running(record) !== undefined)
  if (alive.length > 0) throw new Refusal(`still running: ${alive.map(({ name }) => name).join(', ')}`)
  if (!existsSync(stateFile(stack.folder))) throw new Refusal(`${stack.folder} holds no stack`)
  for (const { home } of stack.servers) rmSync(home, { recursive: true, force: true })
  const own = ['logs', 'kafka.cluster', 'stack.json', 'lock', ...stack.servers.flatMap(({ name }) => [`${name}.pid`])]
  for (const name of own) rmSync(join(stack.folder, name), { recursive: true, force: true })
  const left = readdirSync(stack.folder)
  if (left.length === 0) rmSync(stack.folder, { recursive: true, force: true })
  else say(`${stack.folder} is left: it holds what is no part of the stack (${left.slice(0, 3).join(', ')})`)
}

export function forget(stack) {
  for (const record of stack.servers) {
    rmSync(record.pidFile, { force: true })
    for (const field of ['pid', 'began', 'since']) delete record[field]
  }
  writeState(stack)
}
