/**
 * What a gateway knew of a session when it was born there, for the owner that meets it first: `session:{id}:meta` in Redis,
 * as in the old stack. A cache of the session's record: without it the owner reads the record.
 */
export interface SessionBirths {
  save(sessionId: string, birth: SessionBirth): Promise<void>
  load(sessionId: string): Promise<SessionBirth | undefined>
}

export interface SessionBirth {
  readonly personaId: string
  readonly metadata: Readonly<Record<string, unknown>>
}
