import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { asFailure, Failure, failures } from '../actors/kernel/failure.ts'
import { silentLogger } from '../actors/kernel/telemetry.ts'
import { DataDir } from '../persistence/data-dir.ts'
import { PgSql } from '../persistence/pg-sql.ts'
import type { Finding } from '../transports/cli/command-context.ts'
import { createModels } from '../transports/model/models.ts'
import { systemClock, systemIds } from './clock.ts'
import { type Config, loadConfig } from './config.ts'
import { loadContent } from './content.ts'
import { type Environment, explain } from './environment.ts'
import { loadTenants } from './tenants.ts'

const means = { clock: systemClock, ids: systemIds, log: silentLogger }
const PATIENCE_MS = 3_000

/** `soma doctor`: everything a start would need, looked at one by one, so that one run names all that is wrong. */
export async function diagnose(env: Environment): Promise<Finding[]> {
  const findings: Finding[] = []
  const look = async (name: string, check: () => Promise<string>) => {
    try {
      findings.push({ name, ok: true, detail: await check(), remedy: '' })
    } catch (error) {
      const { code, detail } = asFailure(error)
      findings.push({ name, ok: false, detail, remedy: code === 'INTERNAL' ? '' : failures[code].remedy })
    }
  }

  let config: Config | undefined
  await look('node', async () => process.version)
  await look('configuration', async () => {
    config = loadConfig(env)
    const set = explain(env).filter((variable) => variable.set)
    return set.length === 0 ? 'all defaults' : set.map(({ name, value }) => `${name}=${value}`).join(' ')
  })
  if (!config) return findings
  const { gateway, persistence, models, content, budgets, warnings } = config
  for (const warning of warnings)
    findings.push({ name: 'configuration', ok: false, detail: warning, remedy: 'Correct or unset it.' })

  const running = await runningService(gateway.host, gateway.port)
  if (running) await look('service', async () => running)
  else {
    await look('address', () => freePort(gateway.host, gateway.port))
    if (persistence.postgresDsn === undefined) await look('data directory', () => freeDataDir(persistence.dataDir))
  }
  await look(
    'journal',
    persistence.postgresDsn === undefined
      ? async () => 'embedded, in the data directory'
      : () => postgres(persistence.postgresDsn as string),
  )
  await look(
    'snapshots',
    persistence.redisUrl === undefined ? async () => 'in memory' : () => redis(persistence.redisUrl as string),
  )
  await look('personas, tools, policy', async () => {
    const { personas, tools } = await loadContent(content, means)
    loadTenants(budgets)
    return `personas ${personas
      .list()
      .map(({ id }) => id)
      .join(', ')}; tools ${tools
      .list()
      .map(({ name }) => name)
      .join(', ')}`
  })
  const reachable = await createModels(models, means).catch((error: unknown) => asFailure(error))
  if (reachable instanceof Failure) {
    findings.push({ name: 'model', ok: false, detail: reachable.detail, remedy: failures[reachable.code].remedy })
    return findings
  }
  for (const { role, model, source, reachable: ok, detail, remedy = '' } of await reachable.probe()) {
    findings.push({ name: `model (${role})`, ok, detail: `${model}, ${source}: ${detail}`, remedy })
  }
  await reachable.close()
  return findings
}

async function runningService(host: string, port: number): Promise<string | undefined> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) })
    const { status } = (await response.json()) as { status?: string }
    return status === 'ready' || status === 'not-ready' ? `${status} at ${url}` : undefined
  } catch {
    return undefined
  }
}

function freePort(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'CONFIG_INVALID'
      reject(new Failure(code, `${host}:${port} cannot be listened on: ${error.code}`, { cause: error }))
    })
    server.listen(port, host, () => server.close(() => resolve(`${host}:${port} is free`)))
  })
}

async function freeDataDir(dataDir: string): Promise<string> {
  const held = await DataDir.open(dataDir)
  await held.close()
  return `${dataDir} is writable and free`
}

async function postgres(dsn: string): Promise<string> {
  const sql = new PgSql({ dsn, max: 1 }, silentLogger)
  try {
    const rows = await sql.query<{ version: string }>('select version() as version')
    return rows[0]?.version.split(' ').slice(0, 2).join(' ') ?? 'reachable'
  } finally {
    await sql.close()
  }
}

async function redis(url: string): Promise<string> {
  const client = new Redis(url, { lazyConnect: true, connectTimeout: PATIENCE_MS, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    await client.connect()
    const info = await client.info('server')
    return `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? ''} answers`
  } catch (error) {
    // Snapshots are a cache (I6): the service works without, and recovers more slowly.
    throw new Failure('CONFIG_INVALID', `REDIS_URL does not answer: ${asFailure(error).detail}`, { cause: error })
  } finally {
    client.disconnect()
  }
}
