import { type Address, address } from '../../actors/kernel/address.ts'
import type { RequeuedCall, RequeuedCalls, Resolution } from '../requeued-calls.ts'
import { SqlRequeuedCalls } from '../sql-requeued-calls.ts'
import { byText, mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/** A denied call lies with its events, and its resolution beside them. */
export class SpreadRequeuedCalls implements RequeuedCalls {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  async list(query: { tenant?: string; limit: number; before?: string }): Promise<RequeuedCall[]> {
    const before = query.before === undefined ? undefined : await this.get(query.before)
    if (query.before !== undefined && before === undefined) return []
    const lists = await Promise.all(this.map.all.map(({ sql }) => new SqlRequeuedCalls(sql).older(query, before)))
    return mergeInOrder(lists, (a, b) => b.deniedAt - a.deniedAt || byText(a.callId, b.callId), query.limit)
  }

  get(callId: string): Promise<RequeuedCall | undefined> {
    return this.on(callId).get(callId)
  }

  resolve(callId: string, resolution: Resolution): Promise<Resolution> {
    return this.on(callId).resolve(callId, resolution)
  }

  done(callId: string): Promise<void> {
    return this.on(callId).done(callId)
  }

  private on(callId: string): RequeuedCalls {
    const of: Address = address('tool', callId)
    return this.map.of(of).requeued
  }
}
