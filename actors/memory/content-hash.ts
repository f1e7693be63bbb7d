import { createHash } from 'node:crypto'
import type { MemoryContent } from './protocol.ts'

/** Two memories of one namespace with the same hash say the same in the same scope (universe, session, persona). */
export function contentHashOf(
  memory: Pick<MemoryContent, 'universe' | 'sessionId' | 'personaId' | 'text' | 'value'>,
): string {
  const { universe, sessionId = null, personaId = null, text, value } = memory
  const parts = [universe, sessionId, personaId, text, ordered(value)]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32)
}

/** jsonb keeps no order of keys, and neither does meaning. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value ?? null
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, ordered(inner)]),
  )
}
