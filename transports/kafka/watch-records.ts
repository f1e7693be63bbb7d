import { pack, unpack } from 'msgpackr'
import type { Peer } from '../link/peer-talk.ts'
import type { LogRecord } from './fetch-client.ts'

/**
 * How a gateway tells the owner of a session, whoever that is, that it wants to see what the session says: a header on its
 * envelopes, or a record of its own in the same partition. Soft state, journaled by nobody.
 */
const WATCHER = 'soma-watcher'
const SESSIONS = 'soma-watch'

export function watchHeaders({ id }: Peer): Record<string, string> {
  return { [WATCHER]: id }
}

export function encodeWatch(sessionIds: readonly string[], watcher: Peer) {
  return { value: pack(sessionIds), headers: { ...watchHeaders(watcher), [SESSIONS]: '1' } }
}

export function isWatch({ headers }: LogRecord): boolean {
  return headers[SESSIONS] !== undefined
}

export function watcherOf({ headers }: LogRecord): Peer | undefined {
  const id = headers[WATCHER]
  return id === undefined ? undefined : { id: String(id) }
}

export function watchedSessions({ value }: LogRecord): readonly string[] {
  try {
    const sessions: unknown = unpack(value ?? Buffer.alloc(0))
    return Array.isArray(sessions) ? sessions.filter((it): it is string => typeof it === 'string') : []
  } catch {
    return []
  }
}
