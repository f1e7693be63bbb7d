import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { ShardLease } from '../persistence/epochs.ts'
import { allShards, InProcessMailbox } from '../transports/in-process-mailbox.ts'
import { InProcessOutbound } from '../transports/in-process-outbound.ts'
import type { Config } from './config/config.ts'
import { DrillProcesses } from './drill-runs.ts'
import type { Lifecycle } from './lifecycle.ts'
import { onlyOwner } from './only-owner.ts'
import { openGateway } from './open-gateway.ts'
import { answeringModel, countingTurns, type Foundation, openProcessParts } from './process-parts.ts'
import { measuredMailbox } from './telemetry/measured.ts'
import { sampleOf } from './telemetry/slo-sample.ts'
import { traced, tracedMailbox } from './telemetry/traced.ts'
import { lookAtBacklog, scrapedWithBacklog } from './telemetry/watched.ts'
import { actorKindsHere, startActors } from './wire.ts'

/** The one-process profile: everything from the mailbox to the gateway, started in order, stopped in reverse. */
export async function startOneProcess(foundation: Foundation) {
  const parts = await openProcessParts(foundation)
  const { config, log, lifecycle, clock, metrics, tracer, nodeId, health } = parts
  await holdAlone(config, log, lifecycle)
  const persistence = { ...parts.persistence, journal: onlyOwner(parts.persistence.journal, endProcess) }
  const rows = await lifecycle.start(
    'mailbox',
    () => InProcessMailbox.open({ rows: persistence.mailboxRows, clock, log }),
    (it) => it.close(),
  )
  const mailbox = traced(measuredMailbox(rows, metrics), tracedMailbox, tracer)
  const outbound = countingTurns(new InProcessOutbound(log), metrics)
  const { operations, holding } = await startActors(
    {
      ...parts,
      config: config.actors,
      kinds: actorKindsHere,
      leases: new Map<string, ShardLease>(),
      persistence,
      mailbox,
      outbound,
      escalated: endProcess,
    },
    lifecycle,
  )
  // Every shard is ours; the epochs still rise, so that a second process on the same Postgres is fenced (I2).
  for (const kind of actorKindsHere) {
    await lifecycle.start(
      `${kind} shards`,
      async () => holding.take(kind, await persistence.epochs.claim(nodeId, kind, allShards)),
      () => holding.give(kind, allShards),
      config.actors.drainMs + 1_000,
    )
  }
  const url = await openGateway(parts, {
    mailbox,
    outbound,
    operations,
    drillRuns: new DrillProcesses({ offered: [], gateways: () => [], clock, ids: parts.ids, log }),
    samples: async () => {
      lookAtBacklog(metrics, mailbox)
      return [await sampleOf(metrics.registry, nodeId)]
    },
    metricsText: scrapedWithBacklog(metrics, mailbox),
    health,
  })
  return { url, model: answeringModel(parts) }
}

/** No supervisor is left to mend it: let it crash (untilSignal ends the process), for a restart loses nothing. */
export function endProcess(failure: Failure, actor: string): void {
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
