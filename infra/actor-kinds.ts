import { journaledActor } from '../actors/kernel/journaled-actor.ts'
import type { JournaledActorParts } from '../actors/kernel/journaled-kind.ts'
import type { AddressedKind } from '../actors/kernel/region.ts'
import { memoryKind } from '../actors/memory/actor.ts'
import type { LiveShards } from '../actors/memory/live-shards.ts'
import { type ToolKind, toolKind } from '../actors/tool/actor.ts'
import type { ToolState } from '../actors/tool/behaviour.ts'
import { isDeferred } from '../actors/tool/deferral.ts'
import type { ActorParts } from './wire.ts'

/** Tool invocations and memory shards, as the region is given them. */

/** An invocation has one life: once its outcome is journaled there is nothing more to keep it for. */
const TOOL_IDLE_MS = 1_000

export function toolActorsOf({ content, metrics, config, clock, ...parts }: ActorParts): ToolKind {
  const { toolSwitches, persistence, outbound, tellProgress } = parts
  return toolKind({
    catalogue: content.tools,
    policy: content.policy,
    clock,
    metrics,
    maxConcurrent: config.toolConcurrency,
    maxWaiting: config.toolWaiting,
    maxArtifactBytes: config.toolArtifactBytes,
    switches: toolSwitches,
    artifacts: persistence.attachments,
    progress: tellProgress ?? ((progress) => outbound.progress?.(progress)),
  })
}

export function toolInvocations({ config }: ActorParts, kind: ToolKind, harness: JournaledActorParts) {
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

/** An index of many memories takes seconds to load, so a shard stays longer than a session does. */
const MEMORY_IDLE_MS = 15 * 60_000

export function memoryShards(
  { persistence, config, memorySearch, memoryChanged, clock }: ActorParts,
  harness: JournaledActorParts,
  live: LiveShards,
) {
  return memoryKind(
    {
      ...{ rows: persistence.memories, live, embedder: memorySearch.embedder, clock },
      ...(memoryChanged && { changed: memoryChanged }),
      openIndex: memorySearch.openIndex,
      workingMemory: config.workingMemory,
      idleMs: MEMORY_IDLE_MS,
    },
    harness,
  )
}
