import type { FastifyRequest } from 'fastify'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { MemoryCaller } from '../../actors/memory/memory.ts'
import type { IdempotencyKeys } from '../../persistence/journal.ts'
import { fingerprintOf, idempotencyKeyOf } from './idempotency-key.ts'
import { headerOf } from './request-headers.ts'
import { uuidOf } from './session-id.ts'
import { traceOf } from './trace.ts'

export interface MemoryCallerParts {
  readonly idempotency: IdempotencyKeys
  readonly clock: Clock
  readonly ids: Ids
}

/** Who asks memory for a reading. The tenant is the token's, whatever the body says. */
export function memoryReader(request: FastifyRequest, { ids }: Pick<MemoryCallerParts, 'ids'>): MemoryCaller {
  return callerOf(request, ids.uuid())
}

/**
 * Who asks memory for a change. The same Idempotency-Key is the same request, on every gateway and after any crash; used
 * with another request it rejects with IDEMPOTENCY_CONFLICT.
 */
export async function memoryWriter(request: FastifyRequest, parts: MemoryCallerParts): Promise<MemoryCaller> {
  const { idempotency, clock, ids } = parts
  const { tenant } = request.caller
  const key = idempotencyKeyOf(request)
  if (key === undefined) return callerOf(request, ids.uuid())
  const requestId = uuidOf('memory', tenant, key)
  const fingerprint = fingerprintOf(request)
  const answer = { event_id: requestId, request_id: request.id }
  const entry = await idempotency.remember({ tenant, key, fingerprint, answer, at: clock.now() })
  if (entry.fingerprint === fingerprint) return callerOf(request, requestId)
  throw new Failure('IDEMPOTENCY_CONFLICT', `\`${key}\` belongs to an earlier, different request.`)
}

function callerOf(request: FastifyRequest, requestId: string): MemoryCaller {
  const personaId = headerOf(request, 'x-persona-id')
  return {
    ...{ tenant: request.caller.tenant, role: 'user', requestId, trace: traceOf(request) },
    ...(personaId !== undefined && { personaId }),
  }
}
