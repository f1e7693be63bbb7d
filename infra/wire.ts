import { getHeapStatistics } from 'node:v8'
import type { ActorKind, Address } from '../actors/kernel/address.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { Failure } from '../actors/kernel/failure.ts'
import { journaledActor } from '../actors/kernel/journaled-actor.ts'
import type { JournaledActorParts } from '../actors/kernel/journaled-kind.ts'
import type { AddressedKind, Operations, Region } from '../actors/kernel/region.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Tracer } from '../actors/kernel/tracing.ts'
import { sessionKind } from '../actors/session/actor.ts'
import { toolKind } from '../actors/tool/actor.ts'
import { isDeferred, type ToolState } from '../actors/tool/behaviour.ts'
import type { ShardLease } from '../persistence/epochs.ts'
import type { Persistence } from '../persistence/open.ts'
import type { SessionBirth } from '../persistence/session-births.ts'
import type { Snapshots } from '../persistence/snapshots.ts'
import { createActorSystem } from '../supervisors/actor-system.ts'
import { createRegion } from '../supervisors/region.ts'
import { epochIn, ShardHolding, type ShardHoldingParts } from '../supervisors/shard-holding.ts'
import type { Mailbox } from '../transports/mailbox.ts'
import type { Models } from '../transports/model/client.ts'
import type { Outbound } from '../transports/outbound.ts'
import { OutboxRelay } from '../transports/outbox-relay.ts'
import type { ActorsConfig } from './config/config.ts'
import type { Content } from './content.ts'
import type { Lifecycle } from './lifecycle.ts'
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
  readonly models: Models
  readonly content: Content
  readonly dailyTokenLimit: (tenant: string, personaId: string) => number
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly metrics: Metrics
  readonly tracer?: Tracer | undefined
  /** Of sessions born at a gateway in another process. */
  readonly birthOf?: (sessionId: string) => Promise<SessionBirth | undefined>
  /** A failure beyond every supervisor: the process should end and be started again. */
  readonly escalated: (failure: Failure, actor: string) => void
}

export interface RunningActors {
  readonly region: Region
  readonly operations: Operations
  readonly holding: ShardHolding
}

/** Of the heap that Node allows: beyond it the idlest actors leave, before the process would have to. */
const HEAP_SHARE = 0.7

/** Kinds of addressed actors that there are. */
export const actorKindsHere: readonly ActorKind[] = ['session', 'tool']

export async function startActors(parts: ActorParts, lifecycle: Lifecycle): Promise<RunningActors> {
  const { persistence, mailbox, clock, ids, log, metrics, config } = parts
  const { journal, deadLetters, quarantine } = persistence
  const epochOf = epochIn(parts.leases)

  const system = await lifecycle.start(
    'actors',
    () => createActorSystem({ clock, ids, log, metrics, escalated: parts.escalated }),
    (it) => it.shutdown(),
    config.drainMs,
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
  const region = await lifecycle.start(
    'region',
    () =>
      createRegion({
        system,
        kinds: {
          ...(parts.kinds.includes('session') && { session: sessions(parts, harness, system, epochOf) }),
          ...(parts.kinds.includes('tool') && { tool: tools(parts, harness) }),
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
    () => forgetOldEnvelopes(persistence.journal, clock, log),
    (stop) => stop(),
  )
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
  return { region, operations: operationsOf(system, region, parts), holding }
}

/** A mailbox delivers an envelope again within seconds of a start; a week is margin. First after an hour, when that is over. */
const APPLIED_KEPT_MS = 7 * 24 * 3_600_000
const FORGET_EVERY_MS = 3_600_000

function forgetOldEnvelopes(journal: Persistence['journal'], clock: Clock, log: Logger): () => void {
  let cancel = () => {}
  const forget = async () => {
    try {
      await journal.forgetApplied(clock.now() - APPLIED_KEPT_MS)
    } catch (error) {
      log.warn({ error }, 'old inbox rows could not be forgotten; tried again in an hour')
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
    tools: content.tools,
    usage: persistence.usage,
    dailyTokenLimit: parts.dailyTokenLimit,
    idleMs: parts.config.idleMs,
    ...(parts.birthOf && { birthOf: parts.birthOf }),
    erase(address) {
      Promise.all([persistence.journal.erase(address, epochOf(address)), snapshots.remove(address)]).catch((error) =>
        log.error({ address, error }, 'a deleted session could not be erased; its tombstone keeps it closed'),
      )
    },
  })
}

/** An invocation has one life: once its outcome is journaled there is nothing more to keep it for. */
const TOOL_IDLE_MS = 1_000

function tools({ content, metrics, config }: ActorParts, harness: JournaledActorParts) {
  const kind = toolKind({
    catalogue: content.tools,
    policy: content.policy,
    metrics,
    maxConcurrent: config.toolConcurrency,
  })
  const idle: AddressedKind<{ state(): ToolState }> = {
    idleMs: TOOL_IDLE_MS,
    recipe: journaledActor(kind, harness),
    isIdle: (scope) => kind.behaviour.pendingEffects(scope.state()).length === 0,
    isWaiting: (scope) => isDeferred(scope.state()),
    // Cut off, a tool that is not idempotent ends in UNKNOWN: worth half the drain to avoid.
    finishMs: config.drainMs / 2,
  }
  return idle
}

function operationsOf(
  system: { tree(): Awaited<ReturnType<Operations['tree']>> },
  region: Region,
  { persistence, mailbox, clock }: ActorParts,
): Operations {
  return {
    tree: async () => system.tree(),
    isQuarantined: (address) => region.isQuarantined(address),
    resume: (address, how) => region.resume(address, how),
    replayDeadLetter: (id, edited) =>
      replayDeadLetter(id, edited, { deadLetters: persistence.deadLetters, mailbox, clock }),
  }
}
