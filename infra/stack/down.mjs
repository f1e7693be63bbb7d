import { existsSync, rmSync } from 'node:fs'
import { kinds } from './kinds.mjs'
import { end, running } from './processes.mjs'
import { Refusal } from './refusal.mjs'
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

/** Removes a stopped stack's data: the folders of its servers, then its own. */
export function deleteData(stack) {
  const alive = stack.servers.filter((record) => running(record) !== undefined)
  if (alive.length > 0) throw new Refusal(`still running: ${alive.map(({ name }) => name).join(', ')}`)
  if (!existsSync(stateFile(stack.folder))) throw new Refusal(`${stack.folder} holds no stack`)
  for (const { home } of stack.servers) rmSync(home, { recursive: true, force: true })
  rmSync(stack.folder, { recursive: true, force: true })
}

export function forget(stack) {
  for (const record of stack.servers) {
    rmSync(record.pidFile, { force: true })
    for (const field of ['pid', 'began', 'since']) delete record[field]
  }
  writeState(stack)
}
