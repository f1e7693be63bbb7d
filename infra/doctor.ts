import { createServer } from 'node:net'
import { asFailure, Failure, failures } from '../actors/kernel/failure.ts'
import { silentLogger } from '../actors/kernel/telemetry.ts'
import { DataDir } from '../persistence/data-dir.ts'
import type { Finding } from '../transports/cli/command-context.ts'
import { createModels } from '../transports/model/models.ts'
import { systemClock, systemIds } from './clock.ts'
import { type Config, loadConfig } from './config/config.ts'
import { type Environment, explain } from './config/environment.ts'
import { loadContent } from './content.ts'
import { probesOf } from './probes/configured.ts'
import { dependencyTable } from './probes/dependency-table.ts'
import { modelFindings } from './probes/model.ts'
import { type Found, runProbe } from './probes/probe.ts'
import { loadTenants } from './tenants.ts'

const means = { clock: systemClock, ids: systemIds, log: silentLogger }
const now = () => systemClock.now()
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
  const { gateway, persistence, models, content, budgets, services, warnings } = config
  for (const warning of warnings)
    findings.push({ name: 'configuration', ok: false, optional: true, detail: warning, remedy: 'Correct or unset it.' })

  const running = await runningService(gateway.host, gateway.port)
  if (running) await look('service', async () => running)
  else {
    await look('address', () => freePort(gateway.host, gateway.port))
    if (persistence.postgresDsn === undefined) await look('data directory', () => freeDataDir(persistence.dataDir))
  }
  if (persistence.postgresDsn === undefined) await look('journal', async () => 'embedded, in the data directory')
  const probes = await probesOf(config)
  findings.push(...(await Promise.all(probes.map((probe) => runProbe(probe, systemClock)))).map(told))
  await look('personas, tools, policy', async () => {
    const { personas, tools, close } = await loadContent(content, means)
    await close()
    loadTenants(budgets)
    const ids = personas.list().map(({ id }) => id)
    const names = tools.list().map(({ name }) => name)
    return `personas ${ids.join(', ')}; tools ${names.join(', ')}`
  })
  const reachable = await createModels(models, means).catch((error: unknown) => asFailure(error))
  if (reachable instanceof Failure) {
    findings.push({ name: 'model', ok: false, detail: reachable.detail, remedy: failures[reachable.code].remedy })
    return findings
  }
  findings.push(...(await modelFindings(reachable, services.required.includes('model'), now)).map(told))
  await reachable.close()
  return findings
}

/** The look of the start, in the words of the doctor: what a start would do about it as well. */
function told({ name, required, ok, detail, remedy, ms }: Found): Finding {
  if (ok) return { name, ok, detail: `${detail}, ${ms} ms`, remedy }
  const known = dependencyTable[name.split(' ')[0] as keyof typeof dependencyTable]
  const without = required ? 'A start is refused without it.' : `A start goes on without it. ${known.without}`
  return { name, ok, optional: !required, detail: `${detail}. ${without}`, remedy }
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
