import { systemClock as clock, systemIds as ids } from './clock.ts'
import type { Config } from './config/config.ts'
import { checkDependencies } from './dependencies.ts'
import { Lifecycle } from './lifecycle.ts'
import { openJournal } from './open-journal.ts'
import type { Foundation } from './process-parts.ts'
import { createLogger } from './telemetry/logger.ts'

export interface Service {
  readonly url: string
  /** What answers, for the ready line: `rehearsal/demo (built in; …)`. */
  readonly model: string
  close(): Promise<void>
}

/**
 * Starts the service. The database opens in a thread of its own, for as long as this one takes to load the rest of the
 * program: so it is asked first, and what it does not need is imported meanwhile.
 */
export async function serve(config: Config): Promise<Service> {
  const log = createLogger({ ...config.logs, secrets: config.secrets })
  const found = await checkDependencies(config, { clock, ids, log })
  const lifecycle = new Lifecycle(log, clock)
  const persistence = lifecycle.start(
    'journal',
    () => openJournal(config, log),
    (it) => it.close(),
  )
  // Whoever awaits it below gets the failure; until then nobody listens, which is no defect.
  persistence.catch(() => {})
  try {
    const { url, model } = await start({ config, log, lifecycle, persistence, found })
    return { url, model, close: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function start(foundation: Foundation): Promise<{ url: string; model: string }> {
  const { cluster } = foundation.config
  if (cluster === undefined) return (await import('./one-process.ts')).startOneProcess(foundation)
  return (await import('./cluster/start-cluster.ts')).startCluster(foundation, cluster)
}
