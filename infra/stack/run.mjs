// A stack for one command: on free ports, in a temporary folder, gone when the command ends.
//   R1. Whatever ends it, nothing stays: the command's end, a failed start, a signal; and if this very process is killed,
//       the keeper, a shell that waits for the end of our pipe, takes the stack down.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deleteData, takeDown } from './down.mjs'
import { planned } from './plan.mjs'
import { dsnOf } from './postgres.mjs'
import { findPrograms } from './programs.mjs'
import { misused, Refusal, say } from './refusal.mjs'
import { stateFile, writeState } from './state.mjs'
import { bringUp } from './up.mjs'

/** Resolves with the exit code of the command. */
export async function runWith(flags, command, { checkout, entry }) {
  if (command.length === 0) throw misused('run needs a command: node infra/stack.mjs run -- npm test')
  const { prometheus } = flags.with?.split(',').includes('prometheus') ? findPrograms(['prometheus']) : {}
  // Prometheus is for specs to start on configurations of their own.
  const servers = flags.with
    ?.split(',')
    .filter((name) => name !== 'prometheus')
    .join(',')
  const folder = mkdtempSync(join(tmpdir(), 'soma-stack-'))
  chmodSync(folder, 0o711) // Postgres, which is not root, must get through
  const own = { ...flags, with: servers, ports: 'free' }
  const stack = await planned(own, { checkout, folder, throwaway: true })
  writeState(stack)
  const keeper = keep(folder, entry)
  let wrapped
  const interrupted = new Promise((_, reject) => {
    const onSignal = (name) =>
      wrapped === undefined ? reject(new Refusal(name, { exitCode: 130 })) : wrapped.kill(name)
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => onSignal(name))
  })
  try {
    await Promise.race([bringUp(stack), interrupted])
    return await new Promise((resolve) => {
      const variables = { ...variablesOf(stack), ...(prometheus ? { SOMA_TEST_PROMETHEUS: prometheus } : {}) }
      wrapped = spawn(command[0], command.slice(1), { stdio: 'inherit', env: { ...process.env, ...variables } })
      wrapped.on('error', (error) => {
        say(`${command[0]}: ${error.message}`)
        resolve(127)
      })
      wrapped.on('exit', (code, name) => resolve(code ?? (name ? 130 : 1)))
    })
  } finally {
    stack.ending = true
    await takeDown(stack, { abruptly: true })
    deleteData(stack)
    keeper.kill('SIGKILL')
  }
}

/** R1 */
function keep(folder, entry) {
  const down = [process.execPath, entry, 'down', '--delete', '--data', folder]
  const script = 'read -r _; exec "$@"'
  const keeper = spawn('sh', ['-c', script, 'sh', ...down], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  keeper.on('error', (error) => say(`no keeper: ${error.message}`))
  keeper.unref()
  return keeper
}

function variablesOf(stack) {
  const [first, second] = stack.servers.filter(({ kind }) => kind === 'postgres')
  const { REDIS_URL, KAFKA_BOOTSTRAP_SERVERS, OPA_URL, OPENFGA_API_URL } = stack.variables
  const all = {
    SOMA_TEST_STACK: stateFile(stack.folder),
    SOMA_TEST_POSTGRES_DSN: dsnOf(first),
    SOMA_TEST_POSTGRES_DSN_2: second && dsnOf(second),
    SOMA_TEST_REDIS_URL: REDIS_URL,
    SOMA_TEST_KAFKA: KAFKA_BOOTSTRAP_SERVERS,
    SOMA_TEST_OPA_URL: OPA_URL,
    SOMA_TEST_OPENFGA_URL: OPENFGA_API_URL,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
