import type { Personas } from '../actors/persona.ts'
import { type DelegationLimits, delegate } from '../actors/tool/catalogue/delegate.ts'
import type { SessionRecords } from '../persistence/journal.ts'

export interface SessionToolsParts {
  readonly personas: Personas
  readonly records: () => Promise<SessionRecords>
  readonly delegation: DelegationLimits
}

/** Tools that work on sessions: by messages, as everybody does. */
export function sessionTools({ personas, records, delegation }: SessionToolsParts) {
  return [delegate({ personas, records, limits: delegation })]
}
