import path from 'node:path'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import { dryRuns } from '../actors/session/dry-run.ts'
import { sessionReader } from '../actors/session/session-reader.ts'
import { InMemorySnapshots } from '../persistence/in-memory-snapshots.ts'
import type { Persistence } from '../persistence/open.ts'
import { createGateway } from '../transports/gateway/gateway.ts'
import { InProcessMailbox } from '../transports/in-process-mailbox.ts'
import { InProcessOutbound } from '../transports/in-process-outbound.ts'
import { createModels } from '../transports/model/models.ts'
import type { Outbound } from '../transports/outbound.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import type { Config } from './config.ts'
import { loadContent } from './content.ts'
import { deadLetterDepths } from './dead-letter-depths.ts'
import { checkHealth } from './health.ts'
import type { Lifecycle } from './lifecycle.ts'
import { measuredJournal, measuredMailbox, measuredRecords, measuredSnapshots } from './measured.ts'
import { Metrics } from './metrics.ts'
import { onlyOwner } from './only-owner.ts'
import { packageRoot, version } from './package-root.ts'
import { loadTenants } from './tenants.ts'
import { turnMetrics } from './turn-metrics.ts'
import { startActors } from './wire.ts'

export interface Foundation {
  readonly config: Config
  readonly log: Logger
  readonly lifecycle: Lifecycle
  /** On its way already. */
  readonly persistence: Promise<Persistence>
}

/** The one-process profile: everything from the mailbox to the gateway, started in order, stopped in reverse. */
export async function startOneProcess({ config, log, lifecycle, ...foundation }: Foundation) {
  const metrics = new Metrics()
  const content = await loadContent(config.content, { clock, ids, log })
  const tenants = loadTenants(config.budgets)
  // Looking for a model takes up to 300 ms and opening the journal as long: side by side.
  const [persistence, models] = await Promise.all([
    foundation.persistence,
    lifecycle.start(
      'models',
      () => createModels(config.models, { clock, ids, log }),
      (it) => it.close(),
    ),
  ])
  metrics.watchDeadLetters(deadLetterDepths(persistence.sql))
  await holdAlone(config, log, lifecycle)
  const journal = measuredJournal(onlyOwner(persistence.journal, endProcess), metrics)
  const records = measuredRecords(persistence.records, metrics)
  const { snapshots, pingRedis } = await openSnapshots(config, log, lifecycle)
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
  const gateway = await lifecycle.start(
    'gateway',
    () =>
      createGateway({
        config: { ...config.gateway, consoleDir: path.join(packageRoot, 'transports/gateway/console'), version },
        mailbox,
        outbound,
        records,
        idempotency: persistence.idempotency,
        reader: sessionReader({ journal, personas: content.personas, models, now: () => clock.now() }),
        dryRuns: dryRuns({
          journal,
          models,
          personas: content.personas,
          tools: content.tools,
          policy: content.policy,
          usage: persistence.usage,
          dailyTokenLimit: (tenant, persona) => tenants.dailyTokenLimit(tenant, persona),
          clock,
        }),
        operations,
        deadLetters: persistence.deadLetters,
        quarantine: persistence.quarantine,
        models,
        personas: content.personas,
        tools: content.tools,
        usage: persistence.usage,
        metricsText: () => metrics.registry.metrics(),
        health: () => checkHealth({ sql: persistence.sql, models, policy: content.policy, pingRedis, clock }),
        metrics,
        clock,
        ids,
        log,
      }),
    (it) => it.close(),
  )
  const url = await lifecycle.start('listener', () => gateway.listen())
  const answering = models.list().find(({ role }) => role === 'dialogue')
  return { url, model: answering ? `${answering.id} (${answering.source})` : 'none' }
}

async function openSnapshots(config: Config, log: Logger, lifecycle: Lifecycle) {
  const { redisUrl, snapshotTtlSeconds } = config.persistence
  if (!redisUrl) return { snapshots: new InMemorySnapshots(log), pingRedis: undefined }
  // The client of a server that most starts do not have is a tenth of all that there is to load.
  const { RedisSnapshots } = await import('../persistence/redis-snapshots.ts')
  const snapshots = await lifecycle.start(
    'snapshots',
    () => new RedisSnapshots({ url: redisUrl, ttlSeconds: snapshotTtlSeconds, clock, log }),
    (it) => it.close(),
  )
  return { snapshots, pingRedis: () => snapshots.ping() }
}

/** No supervisor is left to mend it: let it crash (untilSignal ends the process), for a restart loses nothing. */
function endProcess(failure: Failure, actor: string): void {
  setImmediate(() => {
    throw new Failure(failure.code, `${actor}: ${failure.detail}`, { cause: failure })
  })
}

/** Its mailbox is right only for the one process that hands out offsets; the data directory has a lock of its own. */
async function holdAlone(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const { postgresDsn } = config.persistence
  if (postgresDsn === undefined) return
  const { holdDatabase } = await import('../persistence/pg-hold.ts')
  await lifecycle.start(
    'database lock',
    () => holdDatabase(postgresDsn, log, (failure) => endProcess(failure, 'database')),
    (it) => it.release(),
  )
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
