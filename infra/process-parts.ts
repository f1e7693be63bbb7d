import type { Logger } from '../actors/kernel/telemetry.ts'
import { InMemorySnapshots } from '../persistence/in-memory-snapshots.ts'
import type { Persistence } from '../persistence/open.ts'
import type { HealthReport } from '../transports/gateway/health.ts'
import { createModels } from '../transports/model/models.ts'
import type { Announcement, Outbound } from '../transports/outbound.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import type { Config } from './config/config.ts'
import { loadContent } from './content.ts'
import { readiness } from './health.ts'
import type { Lifecycle } from './lifecycle.ts'
import { LateMemory } from './memory/late-memory.ts'
import { openMemorySearch } from './memory/memory-search.ts'
import { probesOf } from './probes/configured.ts'
import { deadLetterDepths } from './telemetry/dead-letter-depths.ts'
import {
  measuredBatches,
  measuredEpochs,
  measuredJournal,
  measuredRecords,
  measuredSnapshots,
} from './telemetry/measured.ts'
import { Metrics } from './telemetry/metrics.ts'
import { traced, tracedJournal } from './telemetry/traced.ts'
import { openTracing } from './telemetry/tracing.ts'
import { turnMetrics } from './telemetry/turn-metrics.ts'
import { watchDependencies } from './telemetry/watched.ts'
import { loadTenants } from './tenants.ts'
import { ToolSwitchWatch } from './tool-switch-watch.ts'

export interface Foundation {
  readonly config: Config
  readonly log: Logger
  readonly lifecycle: Lifecycle
  /** On its way already. */
  readonly persistence: Promise<Persistence>
  /** What the start found of what is outside. */
  readonly found: HealthReport
}

export type ProcessParts = Awaited<ReturnType<typeof openProcessParts>>

/** What a process of any profile is made of: content, models, storage, each measured and traced. */
export async function openProcessParts({ config, log, lifecycle, ...foundation }: Foundation) {
  const metrics = new Metrics()
  const nodeId = `${process.pid}@${ids.uuid()}`
  const tracer = await openTracing(config.tracing, { nodeId, metrics, log, lifecycle })
  const memory = new LateMemory()
  const attachments = async () => (await foundation.persistence).attachments
  const content = await lifecycle.start(
    'content',
    () =>
      loadContent(config.content, {
        clock,
        ids,
        log,
        memory,
        attachments,
        records: async () => (await foundation.persistence).records,
      }),
    (it) => it.close(),
  )
  const memorySearch = await lifecycle.start(
    'memory search',
    () => openMemorySearch(config.memory, { clock, ids, log }),
    (it) => it.close(),
  )
  const tenants = loadTenants(config.budgets)
  const probes = await probesOf(config)
  // Looking for a model takes up to 300 ms and opening the journal as long: side by side.
  const [opened, models] = await Promise.all([
    foundation.persistence,
    lifecycle.start(
      'models',
      () => createModels(config.models, { clock, ids, log }),
      (it) => it.close(),
    ),
  ])
  metrics.watchDeadLetters(deadLetterDepths(opened.everywhere))
  opened.observeAppends(measuredBatches(metrics))
  const { snapshots, births } = await openCaches(config, opened, log, lifecycle)
  const persistence: Persistence = {
    ...opened,
    journal: traced(measuredJournal(opened.journal, metrics), tracedJournal, tracer),
    records: measuredRecords(opened.records, metrics),
    epochs: measuredEpochs(opened.epochs, metrics),
  }
  const toolSwitches = await lifecycle.start(
    'tool switches',
    () => new ToolSwitchWatch(persistence.toolSwitches, { clock, log }).start(),
    (it) => it.close(),
  )
  const health = readiness({
    probes,
    sql: opened.everywhere,
    models,
    policyFile: content.policyFile,
    required: config.services.required,
    clock,
  })
  watchDependencies(metrics, health)
  return {
    config,
    log,
    lifecycle,
    clock,
    ids,
    nodeId,
    metrics,
    tracer,
    content,
    memory,
    memorySearch,
    models,
    persistence,
    snapshots: measuredSnapshots(snapshots, metrics),
    births,
    toolSwitches,
    health,
    dailyTokenLimit: (tenant: string, persona: string) => tenants.dailyTokenLimit(tenant, persona),
  }
}

/** What may be lost at any moment: snapshots, and what a gateway tells the owner of a newborn session. */
async function openCaches(config: Config, { sql }: Persistence, log: Logger, lifecycle: Lifecycle) {
  const { redisUrl, snapshotTtlSeconds } = config.persistence
  if (!redisUrl) return { snapshots: new InMemorySnapshots(log), births: undefined }
  // The client of a server that most starts do not have is a tenth of all that there is to load.
  const [{ RedisCache }, { RedisSnapshots }, { RedisSessionBirths }] = await Promise.all([
    import('../persistence/redis-cache.ts'),
    import('../persistence/redis-snapshots.ts'),
    import('../persistence/redis-session-births.ts'),
  ])
  const [installation] = await sql.query<{ id: string }>('select id::text as id from installation')
  const cache = await lifecycle.start(
    'Redis',
    () => new RedisCache({ url: redisUrl, clock, log }),
    (it) => it.close(),
  )
  const prefix = `soma:${installation?.id}:snapshot:`
  return {
    snapshots: new RedisSnapshots({ cache, prefix, ttlSeconds: snapshotTtlSeconds }),
    births: new RedisSessionBirths(cache, snapshotTtlSeconds),
  }
}

/** Turns are counted where they are announced: by the process that journaled them, once. */
export function countingTurns(outbound: Outbound, metrics: Metrics): Outbound {
  const count: (announcement: Announcement) => void = turnMetrics(metrics)
  return {
    announce(announcement) {
      count(announcement)
      outbound.announce(announcement)
    },
    preview: (preview) => outbound.preview(preview),
    progress: (progress) => outbound.progress?.(progress),
    subscribe: (sessionId, listener) => outbound.subscribe(sessionId, listener),
  }
}

/** The model that answers, for the ready line. */
export function answeringModel({ models }: Pick<ProcessParts, 'models'>): string {
  const answering = models.list().find(({ role }) => role === 'dialogue')
  return answering ? `${answering.id} (${answering.source})` : 'none'
}
