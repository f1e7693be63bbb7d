import type { RedisCache } from './redis-cache.ts'
import type { SessionBirth, SessionBirths } from './session-births.ts'

/** Key and value are the old stack's: `session:{id}:meta` = `{persona_id, metadata}`, JSON. */
export class RedisSessionBirths implements SessionBirths {
  private readonly cache: RedisCache
  private readonly ttlSeconds: number

  constructor(cache: RedisCache, ttlSeconds: number) {
    this.cache = cache
    this.ttlSeconds = ttlSeconds
  }

  async save(sessionId: string, { personaId, metadata }: SessionBirth): Promise<void> {
    const value = JSON.stringify({ persona_id: personaId, metadata })
    await this.cache.tried('save', (redis) => redis.set(keyOf(sessionId), value, 'EX', this.ttlSeconds))
  }

  async load(sessionId: string): Promise<SessionBirth | undefined> {
    const text = await this.cache.tried('load', (redis) => redis.get(keyOf(sessionId)))
    return typeof text === 'string' ? parsed(text) : undefined
  }
}

function keyOf(sessionId: string): string {
  return `session:${sessionId}:meta`
}

function parsed(text: string): SessionBirth | undefined {
  try {
    const { persona_id, metadata } = JSON.parse(text) as { persona_id?: unknown; metadata?: unknown }
    if (typeof persona_id !== 'string' || typeof metadata !== 'object' || metadata === null) return undefined
    return { personaId: persona_id, metadata: metadata as Record<string, unknown> }
  } catch {
    return undefined
  }
}
