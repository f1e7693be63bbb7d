import type { FastifyRequest } from 'fastify'

const MAX_LENGTH = 256

export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH ? value : undefined
}

/** What old clients say by header. X-Persona-Id is not here: it chooses the persona. */
export function headerMetadata(request: FastifyRequest): Record<string, string> {
  const profile = headerOf(request, 'x-agent-profile')
  const universe = headerOf(request, 'x-universe-id')
  return {
    ...(profile === undefined ? {} : { agent_profile_id: profile }),
    ...(universe === undefined ? {} : { universe_id: universe }),
  }
}
