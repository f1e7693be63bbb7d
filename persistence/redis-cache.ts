import { Redis } from 'ioredis'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'

export interface RedisCacheOptions {
  readonly url: string
  readonly clock: Clock
  readonly log: Logger
  /** How long whoever asks waits before it does without. */
  readonly timeoutMs?: number
}

const LOG_EVERY_MS = 10_000

/**
 * Redis as a cache (I6): one that is away, slow or holds rubbish is a miss, said once per ten seconds in the log, and
 * nothing waits longer than the timeout.
 */
export class RedisCache {
  private readonly redis: Redis
  private readonly clock: Clock
  private readonly log: Logger
  private silentUntil = 0

  constructor(options: RedisCacheOptions) {
    this.clock = options.clock
    this.log = options.log
    this.redis = new Redis(options.url, {
      commandTimeout: options.timeoutMs ?? 250,
      connectTimeout: 2_000,
      maxRetriesPerRequest: 0,
      // Without a connection a command fails at once instead of queueing: a miss costs nothing.
      enableOfflineQueue: false,
      retryStrategy: (times) => Math.min(times * 100, 2_000),
    })
    this.redis.on('error', (error) => this.missed('connect', error))
  }

  /** Resolves when Redis takes commands. Nothing needs to wait for it but a spec. */
  async connected(): Promise<void> {
    if (this.redis.status !== 'ready') await new Promise<void>((resolve) => void this.redis.once('ready', resolve))
  }

  /** What the command answers; undefined when it fails, whatever the reason. */
  async tried<T>(operation: string, command: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    try {
      return await command(this.redis)
    } catch (error) {
      this.missed(operation, error)
      return undefined
    }
  }

  async close(): Promise<void> {
    this.redis.disconnect()
  }

  private missed(operation: string, error: unknown): void {
    if (this.clock.now() < this.silentUntil) return
    this.silentUntil = this.clock.now() + LOG_EVERY_MS
    this.log.warn(
      { operation, error: String(error) },
      'Redis failed; what it would have told is read from the database',
    )
  }
}
