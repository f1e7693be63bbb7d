import type { MemoryRow } from '../../persistence/memory-rows.ts'
import { coordinateOf } from './coordinate.ts'
import type { MemoryItem } from './memory.ts'
import { layerOf } from './place.ts'

/** A row as those see it who ask: without what only the shard needs. */
export function itemOf(row: MemoryRow): MemoryItem {
  const { key, namespace, text, value, tags, universe, importance, createdAt, updatedAt } = row
  return {
    ...{ key, namespace, text, value, tags, universe, importance, createdAt, updatedAt },
    ...(row.sessionId !== undefined && { sessionId: row.sessionId }),
    ...(row.personaId !== undefined && { personaId: row.personaId }),
    ...(row.expiresAt !== undefined && { expiresAt: row.expiresAt }),
    layer: layerOf(namespace),
    coordinate: coordinateOf(universe, key),
  }
}
