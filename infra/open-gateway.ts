import path from 'node:path'
import type { Operations } from '../actors/kernel/region.ts'
import { dryRuns } from '../actors/session/dry-run.ts'
import { sessionReader } from '../actors/session/session-reader.ts'
import { auditTrail } from '../actors/tool/audit-trail.ts'
import type { SessionRecords } from '../persistence/journal.ts'
import type { DrillRuns } from '../transports/gateway/drill-runs.ts'
import { createGateway } from '../transports/gateway/gateway.ts'
import type { HealthReport } from '../transports/gateway/health.ts'
import type { Mailbox } from '../transports/mailbox.ts'
import type { Outbound } from '../transports/outbound.ts'
import { fetchFile } from './fetch-file.ts'
import { packageRoot, version } from './package-root.ts'
import type { ProcessParts } from './process-parts.ts'
import { SloRecorder, type SloRecorderParts } from './telemetry/slo-recorder.ts'

/** The gateway of a process, wired and listening; what it depends on beyond the common parts differs by profile. */
export async function openGateway(
  parts: ProcessParts,
  own: {
    readonly records?: SessionRecords
    readonly mailbox: Mailbox
    readonly outbound: Outbound
    readonly operations: Operations
    readonly drillRuns: DrillRuns
    readonly samples: SloRecorderParts['samples']
    metricsText(): Promise<string>
    health(): Promise<HealthReport>
  },
): Promise<string> {
  const { config, persistence, content, models, metrics, tracer, clock, ids, log, lifecycle } = parts
  const { samples, ...given } = own
  const slo = await lifecycle.start(
    'service levels',
    () => new SloRecorder({ samples, clock }).start(),
    (it) => it.close(),
  )
  const gateway = await lifecycle.start(
    'gateway',
    () =>
      createGateway({
        config: { ...config.gateway, consoleDir: path.join(packageRoot, 'dist/console'), version },
        records: persistence.records,
        idempotency: persistence.idempotency,
        reader: sessionReader({
          journal: persistence.journal,
          personas: content.personas,
          models,
          now: () => clock.now(),
        }),
        dryRuns: dryRuns({
          journal: persistence.journal,
          attachments: persistence.attachments,
          models,
          personas: content.personas,
          tools: content.tools,
          policy: content.policy,
          usage: persistence.usage,
          dailyTokenLimit: parts.dailyTokenLimit,
          clock,
        }),
        deadLetters: persistence.deadLetters,
        quarantine: persistence.quarantine,
        drills: persistence.drills,
        toolSwitches: parts.toolSwitches,
        requeued: persistence.requeued,
        audit: auditTrail({ journal: persistence.journal, switches: persistence.toolSwitches }),
        memory: parts.memory,
        attachments: persistence.attachments,
        // Loaded with the first upload: what knows file types is no part of a start.
        screen: async (bytes, claimed) =>
          (await import('./screening/screen-uploads.ts')).screenUploads(config.quarantineRules)(bytes, claimed),
        urlRefusal: content.urlRefusal,
        ...(config.fetchesUrls && { fetchFile: fetchFile(config.content.httpFetchAllow) }),
        models,
        personas: content.personas,
        tools: content.tools,
        mcp: content.mcp,
        usage: persistence.usage,
        metrics,
        tracer,
        clock,
        ids,
        log,
        slo,
        ...given,
      }),
    (it) => it.close(),
  )
  return lifecycle.start('listener', () => gateway.listen())
}
