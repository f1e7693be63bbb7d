import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Failure } from '../../actors/kernel/failure.ts'

const MAX_LENGTH = 255

export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || key === '' || key.length > MAX_LENGTH) {
    throw new Failure('INVALID_REQUEST', `Idempotency-Key takes 1 to ${MAX_LENGTH} characters, once.`)
  }
  return key
}

/** What makes two requests the same: method, path, body, and the headers that choose a session or a persona. */
export function fingerprintOf(request: FastifyRequest): string {
  const { headers } = request
  const parts = [
    request.method,
    request.url.split('?')[0],
    request.body ?? null,
    headers['x-session-id'] ?? null,
    headers['x-persona-id'] ?? null,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
