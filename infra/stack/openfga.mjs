// OpenFGA with a store of ours, and in it our model. A stack that is kept has it on Postgres, so that the store (and the
// relations in it) are there after a restart.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
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
  const { port, grpc, metrics } = stack.ports.openfga
  const addresses = ['--http-addr', `${loopback}:${port}`, '--grpc-addr', `${loopback}:${grpc}`]
  const quiet = ['--playground-enabled=false', '--metrics-addr', `${loopback}:${metrics}`, '--log-level', 'error']
  const command = [openfga, 'run', ...addresses, ...quiet, ...engine(stack)]
  return [
    {
      name: 'openfga',
      kind: 'openfga',
      port,
      ports: { port, grpc, metrics },
      command,
      home: join(stack.folder, 'openfga'),
    },
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

/** Our store, with our model in it when it is new or has changed, and the tuples of the default policy when it is new. */
export async function started(record, stack) {
  const call = (path, body) => post(`http://${loopback}:${record.port}${path}`, body)
  const kept = stack.throwaway ? undefined : stack.openfga
  const storeId = kept?.storeId ?? (await call('/stores', JSON.stringify({ name: 'soma' }))).id
  stack.openfga = { ...kept, storeId }
  const model = textOf(stack, 'model.json')
  if (model === undefined) return
  const modelHash = createHash('sha256').update(model).digest('hex')
  if (modelHash === kept?.modelHash) return
  await call(`/stores/${storeId}/authorization-models`, model)
  const tuples = kept?.modelHash === undefined ? textOf(stack, 'tuples.json') : undefined
  if (tuples !== undefined) await call(`/stores/${storeId}/write`, `{"writes":{"tuple_keys":${tuples}}}`)
  stack.openfga = { storeId, modelHash }
}

async function post(url, body) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (response.ok) return response.json()
  throw new Refusal(`OpenFGA refused ${url}: ${response.status} ${await response.text()}`)
}

function textOf({ checkout }, name) {
  const file = join(checkout, 'infra', 'policy', 'openfga', name)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

export function variables([{ port }], stack) {
  const url = { OPENFGA_API_URL: `http://${loopback}:${port}` }
  return stack.openfga === undefined ? url : { ...url, OPENFGA_STORE_ID: stack.openfga.storeId }
}
