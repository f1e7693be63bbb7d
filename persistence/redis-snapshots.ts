import { pack, unpack } from 'msgpackr'
import type { Address } from '../actors/kernel/address.ts'
import type { RedisCache } from './redis-cache.ts'
import type { Snapshot, Snapshots } from './snapshots.ts'

export interface RedisSnapshotsOptions {
  readonly cache: RedisCache
  /** Of this installation alone (`installation` in the database): another's state under our address would be taken for ours. */
  readonly prefix: string
  /** Snapshots not written for so long are forgotten by Redis. */
  readonly ttlSeconds?: number
}

/** Snapshots that outlive the node, so that a takeover recovers in one read. */
export class RedisSnapshots implements Snapshots {
  private readonly cache: RedisCache
  private readonly prefix: string
  private readonly ttlSeconds: number

  constructor(options: RedisSnapshotsOptions) {
    this.cache = options.cache
    this.prefix = options.prefix
    this.ttlSeconds = options.ttlSeconds ?? 24 * 60 * 60
  }

  load(address: Address): Promise<Snapshot | undefined> {
    return this.cache.tried('load', async (redis) => {
      const packed = await redis.getBuffer(this.prefix + address)
      return packed === null ? undefined : asSnapshot(unpack(packed))
    })
  }

  async save(address: Address, snapshot: Snapshot): Promise<void> {
    // Packed inside: a state that cannot be is a miss like any other.
    await this.cache.tried('save', async (redis) => {
      await redis.set(this.prefix + address, Buffer.from(pack(snapshot)), 'EX', this.ttlSeconds)
    })
  }

  async remove(address: Address): Promise<void> {
    await this.cache.tried('remove', (redis) => redis.del(this.prefix + address))
  }
}

function asSnapshot(value: unknown): Snapshot | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { seq, version } = value as Partial<Snapshot>
  return Number.isInteger(seq) && Number.isInteger(version) ? (value as Snapshot) : undefined
}
