import { randomUUID } from 'node:crypto'
import { Failure } from '../actors/kernel/failure.ts'
import { runCli } from '../transports/cli/program.ts'
import { processTerminal } from '../transports/cli/terminal.ts'
import { type Config, loadConfig } from './config/config.ts'
import { untilSignal } from './lifecycle.ts'
import { version } from './package-root.ts'

/**
 * The `soma` command: the CLI, wired. What makes a service is imported by the commands that need one, so that
 * `soma sessions` does not load a database (0.3 s of start).
 */
let loaded: Config | undefined
const config = (): Config => {
  loaded ??= loadConfig(process.env)
  return loaded
}

/** In a command's own process the terminal belongs to the command: on stderr, and only what goes wrong. */
function localConfig(): Config {
  const { gateway, logs, ...rest } = config()
  const level = logs.level === 'silent' ? 'silent' : logs.level === 'debug' ? 'debug' : 'warn'
  return { ...rest, gateway: { ...gateway, host: '127.0.0.1', port: 0 }, logs: { ...logs, level, to: 'stderr' } }
}

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  terminal: processTerminal(process.env),
  newKey: randomUUID,
  defaults: () => config().cli,

  async startLocal() {
    const { serve } = await import('./serve.ts')
    return serve(localConfig())
  },

  async serve(roles) {
    const settings = roles === undefined ? config() : loadConfig({ ...process.env, SOMA_ROLES: roles.join(',') })
    if (roles !== undefined && settings.cluster === undefined) {
      throw new Failure(
        'CONFIG_INVALID',
        'KAFKA_BOOTSTRAP_SERVERS is not set: a node or a gateway is part of a cluster. For one process that does all: soma serve',
      )
    }
    const [{ serve }, { createLogger }] = await Promise.all([import('./serve.ts'), import('./telemetry/logger.ts')])
    const log = createLogger({ ...settings.logs, secrets: settings.secrets })
    for (const warning of settings.warnings) log.warn({}, warning)
    const service = serve(settings)
    // From the first moment: a signal during the start stops what has started as soon as the start is through.
    untilSignal(async () => (await service).close(), log)
    const { url, model } = await service
    log.info({ url, model, ms: Math.round(performance.now()) }, 'ready')
  },

  async migrate() {
    const { migrateDatabase } = await import('./migrate-database.ts')
    return migrateDatabase(config())
  },

  async doctor() {
    const { diagnose } = await import('./doctor.ts')
    return diagnose(process.env)
  },

  async localClusters() {
    const { localClusters } = await import('./local-cluster.ts')
    return localClusters(config().dataDir)
  },

  async drills() {
    const { failoverDrills } = await import('./drills.ts')
    return failoverDrills
  },
})

/** A command that failed is over, whatever part of it will not let go. */
const LAST_WORDS_MS = 3_000
if (process.exitCode !== 0) setTimeout(() => process.exit(), LAST_WORDS_MS).unref()
