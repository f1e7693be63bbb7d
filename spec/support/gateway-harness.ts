import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { address } from '../../actors/kernel/address.ts'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import type { DeadLetter, QuarantineEntry } from '../../actors/kernel/dead-letters.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import type { Failure } from '../../actors/kernel/failure.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { personaSchema } from '../../actors/persona.ts'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import { LateMemory } from '../../infra/memory/late-memory.ts'
import { quarantineRules } from '../../infra/screening/quarantine-rules.ts'
import { screenUploads } from '../../infra/screening/screen-uploads.ts'
import { ToolSwitchWatch } from '../../infra/tool-switch-watch.ts'
import { InMemoryAttachments } from '../../persistence/in-memory-attachments.ts'
import { InMemoryDrillReports } from '../../persistence/in-memory-drill-reports.ts'
import { InMemoryRequeuedCalls } from '../../persistence/in-memory-requeued-calls.ts'
import { InMemoryStore } from '../../persistence/in-memory-store.ts'
import { InMemoryToolSwitches } from '../../persistence/in-memory-tool-switches.ts'
import type { IdempotencyEntry, SessionRecord } from '../../persistence/journal.ts'
import {
  defaultLimits,
  defaultUploadLimits,
  type GatewayConfig,
  type GatewayLimits,
  loopbackHosts,
  type UploadLimits,
} from '../../transports/gateway/config.ts'
import { createGateway, type Gateway, type GatewayDeps } from '../../transports/gateway/gateway.ts'
import { InProcessOutbound } from '../../transports/in-process-outbound.ts'
import type { ModelChoice } from '../../transports/model/client.ts'
import { FakeSessions } from './fake-sessions.ts'

export const consoleDir = fileURLToPath(new URL('../../console', import.meta.url))

export const realClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref()
    return () => clearTimeout(timer)
  },
}

export const realIds: Ids = { uuid: randomUUID, random: Math.random }

/** The gateway with everything behind it in memory: sessions answer as FakeSessions says. */
export interface GatewayHarness {
  readonly gateway: Gateway
  /** http://127.0.0.1:<port> */
  readonly url: string
  readonly sessions: FakeSessions
  readonly outbound: InProcessOutbound
  readonly sent: Envelope<SessionCommand>[]
  readonly records: Map<string, SessionRecord>
  readonly deadLetters: Map<string, DeadLetter>
  readonly quarantined: Map<string, QuarantineEntry>
  /** Makes the next sends fail. */
  failSend(failure: Failure | undefined): void
  close(): Promise<void>
}

export interface HarnessOptions {
  readonly auth?: GatewayConfig['auth']
  readonly limits?: Partial<GatewayLimits>
  readonly uploads?: Partial<UploadLimits>
  readonly deps?: Partial<GatewayDeps>
  readonly config?: Partial<GatewayConfig>
}

export async function startGateway(options: HarnessOptions = {}): Promise<GatewayHarness> {
  const clock = options.deps?.clock ?? realClock
  const outbound = new InProcessOutbound(silentLogger)
  const sessions = new FakeSessions(outbound, clock)
  const sent: Envelope<SessionCommand>[] = []
  const records = new Map<string, SessionRecord>()
  const keys = new Map<string, IdempotencyEntry>()
  const deadLetters = new Map<string, DeadLetter>()
  const quarantined = new Map<string, QuarantineEntry>()
  let sendFailure: Failure | undefined
  const attachments = new InMemoryAttachments(new InMemoryStore(), realIds, clock)

  const config: GatewayConfig = {
    host: '127.0.0.1',
    port: 0,
    auth: options.auth ?? { mode: 'none', localTenant: 'local' },
    allowedHosts: loopbackHosts,
    allowedOrigins: [],
    limits: { ...defaultLimits, drainMs: 500, ...options.limits },
    uploads: { ...defaultUploadLimits, ...options.uploads },
    consoleDir,
    version: '0.0.0-spec',
    ...options.config,
  }
  const gateway = await createGateway({
    config,
    mailbox: {
      async send(envelope) {
        if (sendFailure) throw sendFailure
        sent.push(envelope as Envelope<SessionCommand>)
        sessions.deliver(envelope as Envelope<SessionCommand>)
      },
    },
    outbound,
    records: {
      async claim(record) {
        const known = records.get(record.sessionId)
        if (known) return known
        records.set(record.sessionId, record)
        return record
      },
      get: async (id) => records.get(id),
      async list({ tenant, limit }) {
        return { records: [...records.values()].filter((record) => record.tenant === tenant).slice(0, limit) }
      },
    },
    idempotency: {
      async remember(entry) {
        const name = JSON.stringify([entry.tenant, entry.key])
        const known = keys.get(name) ?? entry
        keys.set(name, known)
        return known
      },
    },
    reader: sessions,
    drillRuns: {
      offered: [],
      list: () => [],
      stop: () => false,
      start: () => Promise.reject(new Error('no drills here')),
    },
    slo: { everyMs: 5_000, points: () => [] },
    dryRuns: {
      run: () => Promise.reject(new Error('a dry run needs a real journal: see spec/actors/session/dry-run.spec.ts')),
    },
    operations: {
      tree: async () => [
        { path: 'node', type: 'node', state: 'running' as const, mailbox: 0, restarts: 0, children: [] },
      ],
      async replayDeadLetter(id, edited) {
        const letter = deadLetters.get(id)
        deadLetters.delete(id)
        return letter && { ...letter.envelope, ...edited, id: `${letter.envelope.id}/replay/1` }
      },
      isQuarantined: (at) => quarantined.has(at),
      resume: async (at) => quarantined.delete(at),
      tools: async () => [{ tool: 'echo', breaker: 'closed' as const, running: 1, waiting: 2 }],
    },
    toolSwitches: await new ToolSwitchWatch(new InMemoryToolSwitches(), { clock, log: silentLogger }).start(),
    requeued: new InMemoryRequeuedCalls(new InMemoryStore()),
    audit: { async *rows() {} },
    deadLetters: {
      async park(letter) {
        deadLetters.set(letter.envelope.id, { ...letter, id: letter.envelope.id })
      },
      list: async ({ tenant, limit }) =>
        [...deadLetters.values()]
          .filter((letter) => tenant === undefined || letter.envelope.tenant === tenant)
          .slice(0, limit),
      get: async (id) => deadLetters.get(id),
      remove: async (id) => deadLetters.delete(id),
    },
    drills: new InMemoryDrillReports(),
    memory: new LateMemory(),
    attachments,
    urlRefusal: () => undefined,
    screen: screenUploads(quarantineRules),
    quarantine: {
      async hold() {},
      list: async (tenant) =>
        [...quarantined.values()].filter((entry) => tenant === undefined || entry.tenant === tenant),
      get: async (at) => quarantined.get(at),
      held: async () => [],
      release: async (at) => quarantined.delete(at),
    },
    models: {
      choose: (_role, name) =>
        name === undefined || name === 'rehearsal/demo' || name === 'rehearsal/echo'
          ? ({ model: name ?? 'rehearsal/demo' } as ModelChoice)
          : undefined,
      list: () => [
        { id: 'rehearsal/demo', role: 'dialogue', source: 'built in' },
        { id: 'rehearsal/echo', source: 'built in' },
      ],
    },
    personas: {
      defaultId: 'default',
      get: (id) => personas.find((persona) => persona.id === id),
      list: () => personas,
    },
    tools: {
      get: (name) => tools.find((tool) => tool.name === name),
      list: () => tools,
      parameters: () => ({ type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }),
    },
    usage: { spent: async () => ({ tokens: 42, costMicros: 7 }) },
    metricsText: async () => '# TYPE up gauge\nup 1\n',
    health: async () => ({ ready: true, dependencies: [] }),
    clock,
    ids: realIds,
    log: silentLogger,
    ...options.deps,
  })
  const url = await gateway.listen()
  return {
    gateway,
    url,
    sessions,
    outbound,
    sent,
    records,
    deadLetters,
    quarantined,
    failSend(failure) {
      sendFailure = failure
    },
    close: () => gateway.close(),
  }
}

const personas = [
  personaSchema.parse({ id: 'default', name: 'Soma', prompt: 'You help.' }),
  personaSchema.parse({ id: 'pirate', name: 'Pirate', prompt: 'You are a pirate.' }),
]

const tools = [
  {
    name: 'echo',
    description: 'Says it again.',
    schema: personaSchema,
    idempotent: true,
    timeoutMs: 1_000,
    reaches: ['nothing' as const],
    run: async () => '',
  },
]

/** A record as another tenant's session would have it. */
export function recordOf(sessionId: string, tenant: string): SessionRecord {
  return { sessionId, tenant, personaId: 'default', metadata: {}, state: 'idle', createdAt: 1, updatedAt: 1 }
}

export function quarantineEntry(sessionId: string, tenant: string): QuarantineEntry {
  return {
    address: address('session', sessionId),
    tenant,
    code: 'POISON_MESSAGE',
    detail: 'it failed five times',
    suspect: undefined,
    since: 1,
    held: 1,
  }
}
