import type { ActorKind } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { DeadLetters, Quarantine } from '../actors/kernel/dead-letters.ts'
import type { AddressedKind } from '../actors/kernel/region.ts'
import type { Supervision } from '../actors/kernel/supervision.ts'
import type { ActorMetrics, Logger } from '../actors/kernel/telemetry.ts'
import type { WatchedActorSystem } from './actor-system.ts'
import type { PassivationLimits } from './passivation.ts'

/** What a region (region.ts) is made of. */
export interface RegionParts {
  readonly system: WatchedActorSystem
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ActorMetrics
  readonly kinds: Partial<Readonly<Record<ActorKind, AddressedKind>>>
  readonly deadLetters: DeadLetters
  readonly quarantine: Quarantine
  readonly limits?: PassivationLimits
  /** Default: supervisors/tree.ts. */
  readonly supervision?: Readonly<Record<ActorKind, Supervision>>
}
