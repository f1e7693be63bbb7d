import { pack, unpack } from 'msgpackr'
import type { LogRecord } from './fetch-client.ts'
import type { Peer } from './inbox.ts'

/**
 * How a gateway tells the owner of a session, whoever that is, that it wants to see what the session says: a header on its
 * envelopes, or a record of its own in the same partition. Soft state, journaled by nobody.
 */
const WATCHER = 'soma-watcher'
const SESSIONS = 'soma-watch'

export function watchHeaders({ id, slot }: Peer): Record<string, string> {
  return { [WATCHER]: `${slot}/${id}` }
}

export function encodeWatch(sessionIds: readonly string[], watcher: Peer) {
  return { value: pack(sessionIds), headers: { ...watchHeaders(watcher), [SESSIONS]: '1' } }
}

export function isWatch({ headers }: LogRecord): boolean {
  return headers[SESSIONS] !== undefined
}

export function watcherOf({ headers }: LogRecord): Peer | undefined {
  const found = /^(\d+)\/(.+)$/.exec(String(headers[WATCHER] ?? ''))
  return found ? { slot: Number(found[1]), id: found[2] as string } : undefined
}

export function watchedSessions({ value }: LogRecord): readonly string[] {
  try {
    const sessions: unknown = unpack(value ?? Buffer.alloc(0))
    return Array.isArray(sessions) ? sessions.filter((it): it is string => typeof it === 'string') : []
  } catch {
    return []
  }
}
