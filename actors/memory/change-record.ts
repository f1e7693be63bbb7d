import { coordinateOf } from './coordinate.ts'
import type { MemoryEvent } from './events.ts'
import type { Author } from './protocol.ts'

/** A change of memory as the feed memory.wal has it; the names are those of the old stack. */
export interface ChangeRecord {
  readonly type: 'memory.write'
  /** Who wrote it; `system` is the shard itself. */
  readonly role: 'user' | 'assistant' | 'operator' | 'system'
  readonly session_id: string | null
  readonly persona_id: string | null
  readonly tenant: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly result: {
    readonly coord: readonly number[] | null
    readonly trace_id: string | null
    readonly request_id: string | null
  }
  /** Epoch seconds. */
  readonly timestamp: number
}

/** One for each event that changed something and still stands, none for the others. `id` is the same whenever it is published again. */
export function changeRecordOf(event: MemoryEvent, id: string, at: number): ChangeRecord | undefined {
  const { tenant, namespace } = event
  const common = { type: 'memory.write', tenant, timestamp: at / 1_000 } as const
  switch (event.kind) {
    case 'MemoryRemembered': {
      // Published again after a takeover, when it is forgotten already: that is a record of its own, behind this one.
      if (event.erased) return undefined
      const { memory, replaced, createdAt, expiresAt = null, author } = event
      const { sessionId = null, personaId = null, ...content } = memory
      return {
        ...common,
        ...writerOf(author),
        // The scope of the memory before that of who wrote it.
        session_id: sessionId ?? author.sessionId ?? null,
        persona_id: personaId ?? author.personaId ?? null,
        payload: {
          ...{ id, action: 'remember', namespace, ...content },
          ...{ replaced, created_at: createdAt, updated_at: at, expires_at: expiresAt },
        },
        result: { ...resultOf(author), coord: coordinateOf(memory.universe, memory.key) },
      }
    }
    case 'MemoriesForgotten': {
      const { keys, author } = event
      if (keys.length === 0) return undefined
      const payload = { id, action: 'forget', namespace, keys }
      return { ...common, ...writerOf(author), payload, result: { ...resultOf(author), coord: null } }
    }
    case 'MemoriesEvicted':
    case 'MemoriesExpired': {
      const action = event.kind === 'MemoriesEvicted' ? 'evict' : 'expire'
      const payload = { id, action, namespace, keys: event.keys }
      const result = { coord: null, trace_id: null, request_id: null }
      return { ...common, role: 'system', session_id: null, persona_id: null, payload, result }
    }
    default:
      return undefined
  }
}

function writerOf({ role, sessionId, personaId }: Author) {
  return { role, session_id: sessionId ?? null, persona_id: personaId ?? null }
}

function resultOf({ traceId, requestId }: Author) {
  return { trace_id: traceId ?? null, request_id: requestId }
}
