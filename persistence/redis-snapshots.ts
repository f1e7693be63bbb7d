import { Redis } from 'ioredis'
import { pack, unpack } from 'msgpackr'
import type { Address } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Snapshot, Snapshots } from './snapshots.ts'

export interface RedisSnapshotsOptions {
  readonly url: string
  readonly clock: Clock
  readonly log: Logger
  /** Several installations may share a Redis. */
  readonly prefix?: string
  /** Snapshots not written for so long are forgotten by Redis. */
  readonly ttlSeconds?: number
  /** How long recovery waits for Redis before it reads the journal instead. */
  readonly timeoutMs?: number
}

const LOG_EVERY_MS = 10_000

/**
 * Snapshots that outlive the node, so that a takeover recovers in one read. A cache (I6): a Redis that is away, slow or
 * holds rubbish is a miss, said once per ten seconds in the log, and nothing waits longer than the timeout.
 */
export class RedisSnapshots implements Snapshots {
  private readonly redis: Redis
  private readonly clock: Clock
  private readonly log: Logger
  private readonly prefix: string
  private readonly ttlSeconds: number
  private silentUntil = 0

  constructor(options: RedisSnapshotsOptions) {
    this.clock = options.clock
    this.log = options.log
    this.prefix = options.prefix ?? 'soma:snapshot:'
    this.ttlSeconds = options.ttlSeconds ?? 24 * 60 * 60
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

  async load(address: Address): Promise<Snapshot | undefined> {
    try {
      const packed = await this.redis.getBuffer(this.prefix + address)
      return packed === null ? undefined : asSnapshot(unpack(packed))
    } catch (error) {
      this.missed('load', error)
      return undefined
    }
  }

  async save(address: Address, snapshot: Snapshot): Promise<void> {
    try {
      await this.redis.set(this.prefix + address, Buffer.from(pack(snapshot)), 'EX', this.ttlSeconds)
    } catch (error) {
      this.missed('save', error)
    }
  }

  async remove(address: Address): Promise<void> {
    try {
      await this.redis.del(this.prefix + address)
    } catch (error) {
      this.missed('remove', error)
    }
  }

  async close(): Promise<void> {
    this.redis.disconnect()
  }

  private missed(operation: string, error: unknown): void {
    if (this.clock.now() < this.silentUntil) return
    this.silentUntil = this.clock.now() + LOG_EVERY_MS
    this.log.warn({ operation, error: String(error) }, 'Redis failed; recovery reads the journal instead')
  }
}

function asSnapshot(value: unknown): Snapshot | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { seq, version } = value as Partial<Snapshot>
  return Number.isInteger(seq) && Number.isInteger(version) ? (value as Snapshot) : undefined
}
