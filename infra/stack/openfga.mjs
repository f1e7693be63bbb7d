// OpenFGA with a store of ours, and in it our model. A stack that is kept has it on Postgres, so that the store (and the
// relations in it) are there after a restart.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { goProgram } from './go-programs.mjs'
import { accepts, loopback } from './ports.mjs'
import { dsnOf } from './postgres.mjs'
import { findPrograms, runToEnd } from './programs.mjs'
import { Refusal } from './refusal.mjs'

export const startsWithinMs = 30_000
export const stops = { signal: 'SIGTERM', withinMs: 5_000 }
/** Its tables are on the first Postgres. */
export const after = ['postgres']

const database = 'openfga'

export const programs = async (cache) => ({ openfga: await goProgram('openfga', cache), ...findPrograms(['psql']) })

export function records(stack, { openfga }) {
  const { port, grpc } = stack.ports.openfga
  const addresses = ['--http-addr', `${loopback}:${port}`, '--grpc-addr', `${loopback}:${grpc}`]
  const quiet = ['--playground-enabled=false', '--metrics-enabled=false', '--log-level', 'error']
  const command = [openfga, 'run', ...addresses, ...quiet, ...engine(stack)]
  return [
    { name: 'openfga', kind: 'openfga', port, ports: { port, grpc }, command, home: join(stack.folder, 'openfga') },
  ]
}

function engine(stack) {
  if (stack.throwaway) return ['--datastore-engine', 'memory']
  const dsn = `${dsnOf({ port: stack.ports.postgres.port }, database)}?sslmode=disable`
  return ['--datastore-engine', 'postgres', '--datastore-uri', dsn]
}

export async function prepare({ home }, stack, { openfga, psql }) {
  mkdirSync(home, { recursive: true })
  if (stack.throwaway) return
  const dsn = dsnOf({ port: stack.ports.postgres.port })
  const ask = (sql) => runToEnd(psql, [dsn, '-qAtc', sql], { cwd: '/' })
  if ((await ask(`select 1 from pg_database where datname = '${database}'`)).trim() !== '1') {
    await ask(`create database ${database}`)
  }
  await runToEnd(openfga, ['migrate', ...engine(stack), '--log-level', 'error'], { cwd: home })
}

export async function answers({ port }) {
  if (!(await accepts(port))) return false
  return fetch(`http://${loopback}:${port}/healthz`).then(
    (response) => response.ok,
    () => false,
  )
}

/** Our store, and our model in it when it is new or has changed; the tuples of the default policy in a new one. */
export async function started(record, stack) {
  const call = async (path, body) => {
    const url = `http://${loopback}:${record.port}${path}`
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (response.ok) return response.json()
    throw new Refusal(`OpenFGA refused ${path}: ${response.status} ${await response.text()}`)
  }
  const kept = stack.throwaway ? undefined : stack.openfga
  const storeId = kept?.storeId ?? (await call('/stores', JSON.stringify({ name: 'somaagent' }))).id
  stack.openfga = { ...kept, storeId }
  const ours = join(stack.checkout, 'infra', 'policy', 'openfga')
  const model = readFileSync(join(ours, 'model.json'), 'utf8')
  const modelHash = createHash('sha256').update(model).digest('hex')
  if (modelHash === kept?.modelHash) return
  const { authorization_model_id: modelId } = await call(`/stores/${storeId}/authorization-models`, model)
  stack.openfga = { storeId, modelId, modelHash }
  if (kept?.modelHash !== undefined) return
  // A new store allows nothing: with these it means what the policy file and OPA's default policy mean.
  const tuples = JSON.parse(readFileSync(join(ours, 'tuples.json'), 'utf8'))
  await call(`/stores/${storeId}/write`, JSON.stringify({ writes: { tuple_keys: tuples } }))
}

export function variables([{ port }], stack) {
  const url = { OPENFGA_API_URL: `http://${loopback}:${port}` }
  return stack.openfga === undefined ? url : { ...url, OPENFGA_STORE_ID: stack.openfga.storeId }
}
