import { getHeapStatistics } from 'node:v8'
import type { ActorKind, Address } from '../actors/kernel/address.ts'
import { kindOf, shardOf } from '../actors/kernel/address.ts'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { Failure } from '../actors/kernel/failure.ts'
import { journaledActor } from '../actors/kernel/journaled-actor.ts'
import type { JournaledActorParts } from '../actors/kernel/journaled-kind.ts'
import type { AddressedKind, Operations, Region } from '../actors/kernel/region.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Tracer } from '../actors/kernel/tracing.ts'
import { sessionKind } from '../actors/session/actor.ts'
import { toolKind } from '../actors/tool/actor.ts'
import type { ToolState } from '../actors/tool/behaviour.ts'
import type { Epochs } from '../persistence/epochs.ts'
import type { Persistence } from '../persistence/open.ts'
import type { Snapshots } from '../persistence/snapshots.ts'
import { createActorSystem } from '../supervisors/actor-system.ts'
import { createRegion } from '../supervisors/region.ts'
import { allShards } from '../transports/in-process-mailbox.ts'
import type { Mailbox } from '../transports/mailbox.ts'
import type { Models } from '../transports/model/client.ts'
import type { Outbound } from '../transports/outbound.ts'
import { OutboxRelay } from '../transports/outbox-relay.ts'
import type { ActorsConfig } from './config.ts'
import type { Content } from './content.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'

/** The composition root of the actors of one process: contracts in, a running region out. Profiles differ only in what they hand in. */
export interface ActorParts {
  readonly nodeId: string
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
  /** A failure beyond every supervisor: the process should end and be started again. */
  readonly escalated: (failure: Failure, actor: string) => void
}

export interface RunningActors {
  readonly region: Region
  readonly operations: Operations
}

/** Of the heap that Node allows: beyond it the idlest actors leave, before the process would have to. */
const HEAP_SHARE = 0.7

const kinds: readonly ActorKind[] = ['session', 'tool']

export async function startActors(parts: ActorParts, lifecycle: Lifecycle): Promise<RunningActors> {
  const { persistence, mailbox, clock, ids, log, metrics, config } = parts
  const { journal, deadLetters, quarantine } = persistence
  const epochOf = await claimShards(persistence.epochs, parts.nodeId)

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
        kinds: { session: sessions(parts, harness, system, epochOf), tool: tools(parts, harness) },
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

  for (const kind of kinds) {
    // What the last run left unsent goes first, so that nothing sent from now on overtakes it.
    await relay.recover(kind, allShards)
    await lifecycle.start(
      `${kind} mailbox`,
      () => mailbox.receive(kind, allShards, (delivery) => region.deliver(delivery)),
      (subscription) => subscription.close(),
    )
    for (const address of await journal.unfinished(kind, allShards)) region.activate(address)
  }
  await lifecycle.start(
    'inbox upkeep',
    () => forgetOldEnvelopes(persistence.journal, clock, log),
    (stop) => stop(),
  )
  return { region, operations: operationsOf(system, region, parts) }
}

/** Every shard is ours in one process; the epochs still rise, so a second process on the same Postgres is fenced (I2). */
async function claimShards(epochs: Epochs, nodeId: string): Promise<(address: Address) => number> {
  const leases = await Promise.all(kinds.map((kind) => epochs.claim(nodeId, kind, allShards)))
  const held = new Map(leases.flat().map((lease) => [`${lease.kind}/${lease.shard}`, lease.epoch]))
  return (address) => held.get(`${kindOf(address)}/${shardOf(address)}`) ?? 0
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
    async replayDeadLetter(id) {
      const letter = await persistence.deadLetters.get(id)
      if (!letter) return undefined
      // A new id: under the old one the inbox may call it a duplicate. Derived, so that replaying twice at once is one message.
      const { deadline: _, ...envelope } = letter.envelope
      const replayed = { ...envelope, id: `${envelope.id}/replay/${letter.retries + 1}`, sentAt: clock.now() }
      await mailbox.send(replayed)
      await persistence.deadLetters.remove(id)
      return replayed
    },
  }
}
