import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Failure } from '../actors/kernel/failure.ts'
import { sessionReader } from '../actors/session/session-reader.ts'
import { InMemorySnapshots } from '../persistence/in-memory-snapshots.ts'
import { openPersistence, type Persistence } from '../persistence/open.ts'
import { RedisSnapshots } from '../persistence/redis-snapshots.ts'
import { createGateway } from '../transports/gateway/gateway.ts'
import { InProcessMailbox } from '../transports/in-process-mailbox.ts'
import { InProcessOutbound } from '../transports/in-process-outbound.ts'
import { createModels } from '../transports/model/models.ts'
import type { Outbound } from '../transports/outbound.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import type { Config } from './config.ts'
import { loadContent } from './content.ts'
import { checkHealth } from './health.ts'
import { Lifecycle } from './lifecycle.ts'
import { measuredJournal, measuredMailbox, measuredRecords, measuredSnapshots } from './measured.ts'
import { packageRoot } from './package-root.ts'
import { createTelemetry, type Telemetry } from './telemetry.ts'
import { loadTenants } from './tenants.ts'
import { turnMetrics } from './turn-metrics.ts'
import { startActors } from './wire.ts'

export interface Service {
  readonly url: string
  /** What answers, for the ready line: `rehearsal/demo (built in; …)`. */
  readonly model: string
  close(): Promise<void>
}

export const migrationsDir = path.join(packageRoot, 'persistence/migrations')
export const version = (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
  .version

/** The one-process profile: everything from the journal to the gateway, started in order, stopped in reverse. */
export async function serve(config: Config): Promise<Service> {
  const { log, metrics } = createTelemetry({ ...config.logs, secrets: config.secrets })
  const lifecycle = new Lifecycle(log, clock)
  const content = await loadContent(config.content, { clock, ids, log })
  const tenants = loadTenants(config.budgets)
  // Looking for a model takes up to 300 ms and opening the journal as long: side by side.
  const [persistence, models] = await Promise.all([
    lifecycle.start(
      'journal',
      () => openJournal(config, log),
      (it) => it.close(),
    ),
    lifecycle.start(
      'models',
      () => createModels(config.models, { clock, ids, log }),
      (it) => it.close(),
    ),
  ])
  const journal = measuredJournal(persistence.journal, metrics)
  const records = measuredRecords(persistence.records, metrics)
  const { redisUrl, snapshotTtlSeconds } = config.persistence
  const snapshots = redisUrl
    ? await lifecycle.start(
        'snapshots',
        () => new RedisSnapshots({ url: redisUrl, ttlSeconds: snapshotTtlSeconds, clock, log }),
        (it) => it.close(),
      )
    : new InMemorySnapshots(log)
  const mailbox = await lifecycle.start(
    'mailbox',
    async () => measuredMailbox(await InProcessMailbox.open({ rows: persistence.mailboxRows, clock, log }), metrics),
    (it) => it.close(),
  )
  const outbound = counted(new InProcessOutbound(log), turnMetrics(metrics))
  const { operations } = await startActors(
    {
      nodeId: `${process.pid}@${ids.uuid()}`,
      config: config.actors,
      persistence: { ...persistence, journal, records },
      snapshots: measuredSnapshots(snapshots, metrics),
      mailbox,
      outbound,
      models,
      content,
      dailyTokenLimit: (tenant, persona) => tenants.dailyTokenLimit(tenant, persona),
      clock,
      ids,
      log,
      metrics,
      escalated: endProcess,
    },
    lifecycle,
  )
  const pingRedis = snapshots instanceof RedisSnapshots ? () => snapshots.ping() : undefined
  const gateway = await lifecycle.start(
    'gateway',
    () =>
      createGateway({
        config: { ...config.gateway, consoleDir: path.join(packageRoot, 'transports/gateway/console'), version },
        mailbox,
        outbound,
        records,
        idempotency: persistence.idempotency,
        reader: sessionReader({ journal, records, personas: content.personas, models, now: () => clock.now() }),
        operations,
        deadLetters: persistence.deadLetters,
        quarantine: persistence.quarantine,
        models,
        personas: content.personas,
        tools: content.tools,
        usage: persistence.usage,
        metricsText: () => metrics.registry.metrics(),
        health: () => checkHealth({ sql: persistence.sql, models, pingRedis, clock }),
        metrics,
        clock,
        ids,
        log,
      }),
    (it) => it.close(),
  )
  const url = await lifecycle.start('listener', () => gateway.listen())
  const answering = models.list().find(({ role }) => role === 'dialogue')
  return { url, model: answering ? `${answering.id} (${answering.source})` : 'none', close: () => lifecycle.stop() }
}

export function openJournal(config: Config, log: Telemetry['log']): Promise<Persistence> {
  const { dataDir, postgresDsn, postgresPoolSize } = config.persistence
  const where = postgresDsn === undefined ? { dataDir } : { postgresDsn, pool: { max: postgresPoolSize } }
  return openPersistence({ ...where, migrationsDir, clock, ids, log })
}

/** No supervisor is left to mend it: let it crash (untilSignal ends the process), for a restart loses nothing. */
function endProcess(failure: Failure, actor: string): void {
  setImmediate(() => {
    throw new Failure(failure.code, `${actor}: ${failure.detail}`, { cause: failure })
  })
}

/** Turns are counted where they are announced: by the process that journaled them, once. */
function counted(outbound: Outbound, count: ReturnType<typeof turnMetrics>): Outbound {
  return {
    announce(announcement) {
      count(announcement)
      outbound.announce(announcement)
    },
    preview: (preview) => outbound.preview(preview),
    subscribe: (sessionId, listener) => outbound.subscribe(sessionId, listener),
  }
}
