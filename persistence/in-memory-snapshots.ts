import { LRUCache } from 'lru-cache'
import { pack, unpack } from 'msgpackr'
import type { Address } from '../actors/kernel/address.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Snapshot, Snapshots } from './snapshots.ts'

/**
 * Snapshots of the one-process profile, the longest unused dropped first. Kept packed: what an actor does to its state
 * after saving cannot leak in, and their size is known.
 */
export class InMemorySnapshots implements Snapshots {
  private readonly packed: LRUCache<Address, Buffer>
  private readonly log: Logger

  constructor(log: Logger, options: { readonly maxBytes?: number } = {}) {
    this.log = log
    this.packed = new LRUCache({ maxSize: options.maxBytes ?? 64 * 1024 * 1024, sizeCalculation: (it) => it.length })
  }

  async load(address: Address): Promise<Snapshot | undefined> {
    const packed = this.packed.get(address)
    return packed && (unpack(packed) as Snapshot)
  }

  async save(address: Address, snapshot: Snapshot): Promise<void> {
    try {
      // A copy of its own: msgpackr hands out slices of a shared buffer that would keep eight times the memory alive.
      this.packed.set(address, Buffer.from(pack(snapshot)))
    } catch (error) {
      this.log.warn({ address, error: String(error) }, 'a snapshot could not be packed')
    }
  }

  async remove(address: Address): Promise<void> {
    this.packed.delete(address)
  }
}
