import type { Clock } from '../actors/kernel/clock.ts'
import type { Personas } from '../actors/persona.ts'
import { callback } from '../actors/tool/catalogue/callback.ts'
import { type DelegationLimits, delegate } from '../actors/tool/catalogue/delegate.ts'
import type { Reachable } from '../actors/tool/catalogue/http/reachable.ts'
import { schedule, scheduleCancel, scheduleList } from '../actors/tool/catalogue/schedule.ts'
import type { SessionRecords } from '../persistence/journal.ts'

export interface SessionToolsParts {
  readonly personas: Personas
  readonly records: () => Promise<SessionRecords>
  readonly delegation: DelegationLimits
  readonly reachable: Reachable
  readonly clock: Clock
}

/** Tools that work on sessions: by messages, as everybody does. */
export function sessionTools({ personas, records, delegation, reachable, clock }: SessionToolsParts) {
  return [
    delegate({ personas, records, limits: delegation }),
    callback({ reachable, clock }),
    schedule,
    scheduleList,
    scheduleCancel,
  ]
}
