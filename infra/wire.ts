import { getHeapStatistics } from 'node:v8'
import { type ActorKind, type Address, idOf } from '../actors/kernel/address.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { Failure } from '../actors/kernel/failure.ts'
import type { JournaledActorParts } from '../actors/kernel/journaled-kind.ts'
import type { Operations, Region } from '../actors/kernel/region.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Tracer } from '../actors/kernel/tracing.ts'
import { LiveShards } from '../actors/memory/live-shards.ts'
import { sessionKind } from '../actors/session/actor.ts'
import type { ToolKind } from '../actors/tool/actor.ts'
import type { ToolSwitchboard } from '../actors/tool/tool-switches.ts'
import type { ShardLease } from '../persistence/epochs.ts'
import type { PlacedEvent } from '../persistence/journal.ts'
import type { Persistence } from '../persistence/open.ts'
import type { SessionBirth } from '../persistence/session-births.ts'
import type { Snapshots } from '../persistence/snapshots.ts'
import { createActorSystem } from '../supervisors/actor-system.ts'
import { tellingWhoDelegated } from '../supervisors/quarantined-child.ts'
import { createRegion } from '../supervisors/region.ts'
import { epochIn, ShardHolding, type ShardHoldingParts } from '../supervisors/shard-holding.ts'
import { TimerWatch } from '../supervisors/timer-watch.ts'
import type { Mailbox } from '../transports/mailbox.ts'
import type { Models } from '../transports/model/client.ts'
import type { Outbound, ToolProgress } from '../transports/outbound.ts'
import { OutboxRelay } from '../transports/outbox-relay.ts'
import { memoryShards, toolActorsOf, toolInvocations } from './actor-kinds.ts'
import type { ActorsConfig } from './config/config.ts'
import type { Content } from './content.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { MemorySearch } from './memory/memory-search.ts'
import { memoryUpkeep } from './memory/upkeep.ts'
import { replayDeadLetter } from './replay.ts'
import type { Metrics } from './telemetry/metrics.ts'

/** The composition root of the actors of one process: contracts in, a running region out. Profiles differ only in what they hand in. */
export interface ActorParts {
  readonly kinds: readonly ActorKind[]
  /** The shards held, by `shardKey`: filled by the holding that comes back, read by whoever must know an epoch. */
  readonly leases: Map<string, ShardLease>
  readonly shardHooks?: Pick<ShardHoldingParts, 'taken' | 'gone'>
  readonly config: ActorsConfig
  readonly persistence: Persistence
  readonly snapshots: Snapshots
  readonly mailbox: Mailbox
  readonly outbound: Outbound
  readonly toolSwitches: ToolSwitchboard
  /** Where sessions are elsewhere; without it, to `outbound`. */
  readonly tellProgress?: (progress: ToolProgress) => void
  readonly models: Models
  readonly content: Content
  readonly dailyTokenLimit: (tenant: string, personaId: string) => number
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly metrics: Metrics
  readonly tracer?: Tracer | undefined
  /** Undefined: memories are found by their words alone. */
  readonly memorySearch: MemorySearch
  /** Told of every journaled event of a memory shard. */
  readonly memoryChanged?: (stored: PlacedEvent) => void
  /** Of sessions born at a gateway in another process. */
  readonly birthOf?: (sessionId: string) => Promise<SessionBirth | undefined>
  /** A failure beyond every supervisor: the process should end and be started again. */
  readonly escalated: (failure: Failure, actor: string) => void
}

export interface RunningActors {
  readonly region: Region
  readonly operations: Operations
  readonly holding: ShardHolding
  /** The memory shards of this process, to be searched. */
  readonly memories: LiveShards
}

/** Of the heap that Node allows: beyond it the idlest actors leave, before the process would have to. */
const HEAP_SHARE = 0.7

/** Kinds of addressed actors that there are. */
export const actorKindsHere: readonly ActorKind[] = ['session', 'tool', 'memory']

export async function startActors(parts: ActorParts, lifecycle: Lifecycle): Promise<RunningActors> {
  const { persistence, mailbox, clock, ids, log, metrics, config } = parts
  const { journal, deadLetters } = persistence
  const quarantine = tellingWhoDelegated(persistence.quarantine, { journal, mailbox, clock, log })
  const epochOf = epochIn(parts.leases)

  const system = await lifecycle.start(
    'actors',
    () => createActorSystem({ clock, ids, log, metrics, escalated: parts.escalated }),
    (it) => it.shutdown(),
    config.drainMs,
  )
  await lifecycle.start(
    'MCP servers',
    () => parts.content.mcp.start(system),
    (stop) => stop(),
  )
  const relay = await lifecycle.start(
    'outbox relay',
    () => new OutboxRelay({ journal, mailbox, clock, log }),
    (it) => it.close(),
  )
  const harness: JournaledActorParts = {
    journal,
    snapshots: parts.snapshots,
    deadLetters,
    tell: (ref, message, priority) => system.tell(ref, message, priority),
    tracer: parts.tracer,
    epochOf,
    relay,
  }
  const toolActors = parts.kinds.includes('tool') ? toolActorsOf(parts) : undefined
  const memories: LiveShards = new LiveShards({
    activate: (address) => region.activate(address),
    refusal(address) {
      if (epochOf(address) === 0) return `${address} is owned elsewhere`
      return region.isQuarantined(address) ? `${address} is quarantined and waits for an operator` : undefined
    },
    journal,
    clock,
  })
  metrics.watchMemories(() => memories.counts())
  const region: Region = await lifecycle.start(
    'region',
    (): Region =>
      createRegion({
        system,
        kinds: {
          ...(parts.kinds.includes('session') && { session: sessions(parts, harness, system, epochOf) }),
          ...(toolActors && { tool: toolInvocations(parts, toolActors, harness) }),
          ...(parts.kinds.includes('memory') && { memory: memoryShards(parts, harness, memories) }),
        },
        deadLetters,
        quarantine,
        clock,
        log,
        metrics,
        limits: {
          maxActive: config.maxActiveSessions,
          maxHeapBytes: getHeapStatistics().heap_size_limit * HEAP_SHARE,
          heapUsed: () => process.memoryUsage().heapUsed,
        },
      }),
    (it) => it.drain(config.drainMs),
    config.drainMs + 1_000,
  )

  await lifecycle.start(
    'inbox upkeep',
    () => forgetOldEnvelopes(persistence, clock, log),
    (stop) => stop(),
  )
  if (parts.kinds.includes('memory')) {
    await lifecycle.start(
      'memory upkeep',
      () => memoryUpkeep({ ...parts, rows: persistence.memories, activate: (address) => region.activate(address) }),
      (stop) => stop(),
    )
  }
  const holding = new ShardHolding(parts.leases, {
    region,
    mailbox,
    journal,
    relay,
    clock,
    log,
    handOverMs: config.drainMs,
    ...parts.shardHooks,
  })
  if (parts.kinds.includes('session')) {
    await lifecycle.start(
      'timer watch',
      () =>
        new TimerWatch({
          timers: persistence.timers,
          region,
          shards: () => holding.workingShards('session'),
          clock,
          log,
        }).start(),
      (it) => it.close(),
    )
  }
  return { region, operations: operationsOf(system, region, toolActors, parts), holding, memories }
}

/** A mailbox delivers an envelope again within seconds of a start; a week is margin. First after an hour, when that is over. */
const APPLIED_KEPT_MS = 7 * 24 * 3_600_000
const FORGET_EVERY_MS = 3_600_000

function forgetOldEnvelopes({ journal, attachments }: Persistence, clock: Clock, log: Logger): () => void {
  let cancel = () => {}
  const forget = async () => {
    try {
      await journal.forgetApplied(clock.now() - APPLIED_KEPT_MS)
      await attachments.sweep(clock.now() - FORGET_EVERY_MS)
    } catch (error) {
      log.warn({ error }, 'old inbox rows and broken uploads could not be removed; tried again in an hour')
    }
    plan()
  }
  const plan = () => {
    cancel = clock.after(FORGET_EVERY_MS, () => void forget())
  }
  plan()
  return () => cancel()
}

function sessions(
  parts: ActorParts,
  harness: JournaledActorParts,
  system: Parameters<typeof sessionKind>[0]['system'],
  epochOf: (address: Address) => number,
) {
  const { content, snapshots, persistence, log } = parts
  return sessionKind({
    ...harness,
    system,
    outbound: parts.outbound,
    models: parts.models,
    personas: content.personas,
    tools: { ...content.tools, off: (name, tenant) => parts.toolSwitches.off(name, tenant) !== undefined },
    usage: persistence.usage,
    attachments: persistence.attachments,
    dailyTokenLimit: parts.dailyTokenLimit,
    idleMs: parts.config.idleMs,
    timers: parts.config.timers,
    ...(parts.birthOf && { birthOf: parts.birthOf }),
    erase(address) {
      const erased = [
        persistence.journal.erase(address, epochOf(address)),
        snapshots.remove(address),
        persistence.attachments.removeOfSession(idOf(address)),
      ]
      Promise.all(erased).catch((error) =>
        log.error({ address, error }, 'a deleted session could not be erased; its tombstone keeps it closed'),
      )
    },
  })
}

function operationsOf(
  system: { tree(): Awaited<ReturnType<Operations['tree']>> },
  region: Region,
  toolActors: ToolKind | undefined,
  { persistence, mailbox, clock }: ActorParts,
): Operations {
  return {
    tree: async () => system.tree(),
    isQuarantined: (address) => region.isQuarantined(address),
    resume: (address, how) => region.resume(address, how),
    tools: async (tenant) => toolActors?.standings(tenant) ?? [],
    replayDeadLetter: (id, edited) =>
      replayDeadLetter(id, edited, { deadLetters: persistence.deadLetters, mailbox, clock }),
  }
}
