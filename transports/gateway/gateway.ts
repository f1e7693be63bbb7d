import type { AddressInfo } from 'node:net'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import type { DeadLetters, Quarantine } from '../../actors/kernel/dead-letters.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Operations } from '../../actors/kernel/region.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Tracer } from '../../actors/kernel/tracing.ts'
import type { McpServers } from '../../actors/mcp/protocol.ts'
import type { Memory } from '../../actors/memory/memory.ts'
import type { Personas } from '../../actors/persona.ts'
import type { ToolCatalogue } from '../../actors/tool/tool.ts'
import type { Attachments, Screen } from '../../persistence/attachments.ts'
import type { DrillReports } from '../../persistence/drill-reports.ts'
import type { IdempotencyKeys, SessionRecords, Usage } from '../../persistence/journal.ts'
import type { RequeuedCalls } from '../../persistence/requeued-calls.ts'
import type { ToolSwitches } from '../../persistence/tool-switches.ts'
import type { UrlRefusal } from '../delegation-task.ts'
import type { Mailbox } from '../mailbox.ts'
import type { Models } from '../model/client.ts'
import type { Outbound } from '../outbound.ts'
import type { AuditTrail } from './audit-trail.ts'
import { createAuthenticator } from './auth.ts'
import type { GatewayConfig } from './config.ts'
import type { DrillRuns } from './drill-runs.ts'
import type { DryRuns } from './dry-runs.ts'
import type { HealthReport } from './health.ts'
import { type App, createHttpServer } from './http-server.ts'
import { mcpRoutes } from './mcp/endpoint.ts'
import { OpenStreams } from './open-streams.ts'
import { chatCompletionRoutes } from './openai/chat-completions.ts'
import { HeldBytes } from './openai/held-bytes.ts'
import { modelRoutes } from './openai/models.ts'
import { responseRoutes } from './openai/responses.ts'
import { adminRoutes } from './routes/admin.ts'
import { auditRoutes } from './routes/audit.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { commandRoutes } from './routes/commands.ts'
import { delegationRoutes } from './routes/delegation.ts'
import { drillRoutes } from './routes/drills.ts'
import { dryRunRoutes } from './routes/dry-run.ts'
import { inspectionRoutes } from './routes/inspection.ts'
import { memoryRoutes } from './routes/memory.ts'
import { memoryTransferRoutes } from './routes/memory-transfer.ts'
import { messageRoutes } from './routes/messages.ts'
import { operationRoutes } from './routes/operations.ts'
import { pageRoutes } from './routes/pages.ts'
import { requeueRoutes } from './routes/requeue.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { sloRoutes } from './routes/slo.ts'
import { somabrainRoutes } from './routes/somabrain.ts'
import { streamRoutes } from './routes/streams.ts'
import { timerRoutes } from './routes/timers.ts'
import { toolCatalogRoutes } from './routes/tool-catalog.ts'
import { toolRoutes } from './routes/tools.ts'
import { transferRoutes } from './routes/transfer.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { SessionDoor } from './session-door.ts'
import type { SessionReader } from './session-reader.ts'
import type { SloSeries } from './slo.ts'
import { type UploadNotes, uploadNotes } from './uploads/upload-notes.ts'

/** All that the gateway needs; it keeps no session state of its own. */
export interface GatewayDeps {
  readonly config: GatewayConfig
  readonly mailbox: Pick<Mailbox, 'send'>
  readonly outbound: Outbound
  readonly records: SessionRecords
  readonly idempotency: IdempotencyKeys
  readonly reader: SessionReader
  readonly dryRuns: DryRuns
  readonly operations: Operations
  readonly deadLetters: DeadLetters
  readonly quarantine: Quarantine
  readonly drills: DrillReports
  readonly drillRuns: DrillRuns
  readonly slo: SloSeries
  /** Off as this process knows it; a change is known here at once. */
  readonly toolSwitches: ToolSwitches & { off(tool: string, tenant: string): { readonly why: string } | undefined }
  readonly requeued: RequeuedCalls
  readonly audit: AuditTrail
  readonly memory: Memory
  readonly attachments: Attachments
  /** What becomes of an upload once its bytes are there. */
  readonly screen: Screen
  /** Why no callback may be sent there. */
  readonly urlRefusal: UrlRefusal
  /** Left out: what clients name by URL is refused. Rejects as http_fetch does. */
  readonly fetchFile?: FetchFile
  readonly models: Models
  readonly personas: Personas
  readonly tools: ToolCatalogue
  readonly mcp?: McpServers
  readonly usage: Usage
  metricsText(): Promise<string>
  health(): Promise<HealthReport>
  readonly metrics?: GatewayMetrics
  /** Undefined: requests have no span, and a caller's traceparent goes on as it came. */
  readonly tracer?: Tracer | undefined
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

export type FetchFile = (
  url: string,
  within: { readonly signal: AbortSignal; readonly maxBytes: number },
) => Promise<Uint8Array>

export interface GatewayMetrics {
  request(method: string, route: string, status: number, seconds: number): void
  streams(open: number): void
  requeued?(tool: string, action: 'allow' | 'deny'): void
}

/** What the routes share. */
export interface GatewayContext extends GatewayDeps {
  readonly door: SessionDoor
  readonly streams: OpenStreams
  readonly uploadNotes: UploadNotes
  readonly heldBytes: HeldBytes
  /** config.limits, where a stream looks for them. */
  readonly limits: GatewayConfig['limits']
}

export interface Gateway {
  /** Resolves with the address once it takes requests; PORT_IN_USE when the port is taken. */
  listen(): Promise<string>
  /** Cuts streams with DRAINING, lets requests in progress end for `drainMs`, then closes. */
  close(): Promise<void>
  readonly address: string | undefined
  /** A request without a socket, for specs and the local CLI. */
  readonly inject: App['inject']
}

export async function createGateway(deps: GatewayDeps): Promise<Gateway> {
  const { config, clock } = deps
  const authenticator = await createAuthenticator(config.auth, clock)
  const streams = new OpenStreams(config.limits, clock, (open) => deps.metrics?.streams(open))
  const context: GatewayContext = {
    ...deps,
    door: new SessionDoor(deps),
    streams,
    limits: config.limits,
    uploadNotes: uploadNotes(deps),
    heldBytes: new HeldBytes(config.limits),
  }
  const { app, sockets } = await createHttpServer(deps, authenticator)
  app.after(() => {
    for (const routes of [
      messageRoutes,
      streamRoutes,
      sessionRoutes,
      commandRoutes,
      inspectionRoutes,
      dryRunRoutes,
      transferRoutes,
      toolRoutes,
      toolCatalogRoutes,
      requeueRoutes,
      auditRoutes,
      delegationRoutes,
      timerRoutes,
      chatCompletionRoutes,
      responseRoutes,
      modelRoutes,
      adminRoutes,
      clusterRoutes,
      drillRoutes,
      sloRoutes,
      memoryRoutes,
      memoryTransferRoutes,
      somabrainRoutes,
      operationRoutes,
      uploadRoutes,
      mcpRoutes,
      pageRoutes,
    ]) {
      routes(app, context)
    }
  })
  await app.ready()

  return {
    async listen() {
      try {
        return await app.listen({ host: config.host, port: config.port })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
        throw new Failure('PORT_IN_USE', `${config.host}:${config.port} is taken.`, { cause: error })
      }
    },
    async close() {
      streams.drain()
      const cancel = clock.after(config.limits.drainMs, () => sockets.destroy())
      await app.close()
      cancel()
    },
    get address() {
      const bound = app.server.address() as AddressInfo | null
      if (!bound) return undefined
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
    },
    inject: app.inject.bind(app) as App['inject'],
  }
}
