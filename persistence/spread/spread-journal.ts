import { type ActorKind, type Address, idOf, isAddress } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { rowsOf } from '../database-failure.ts'
import type { Append, AppendResult, EventPlace, Journal, PlacedEvent, StoredEvent } from '../journal.ts'
import { byText, mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/**
 * A journal of several. An address has all of its events, its inbox and its outbox on the server of its shard, so J1-J6
 * are that server's, and so is the gathering of appends: one that is slow or gone holds up no other.
 */
export class SpreadJournal implements Journal {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  append(append: Append): Promise<AppendResult> {
    return this.map.of(append.address).journal.append(append)
  }

  read(address: Address, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    return this.map.of(address).journal.read(address, afterSeq, limit)
  }

  head(address: Address): Promise<number> {
    return this.map.of(address).journal.head(address)
  }

  wasApplied(address: Address, envelopeId: string): Promise<boolean> {
    return this.map.of(address).journal.wasApplied(address, envelopeId)
  }

  async unfinished(kind: ActorKind, shards: readonly number[]): Promise<Address[]> {
    const lists = await this.each(shards, ({ journal }, own) => journal.unfinished(kind, own))
    return mergeInOrder(lists, byText)
  }

  async pendingOutbox(kind: ActorKind, shards: readonly number[], limit: number): Promise<Envelope[]> {
    const lists = await this.each(shards, ({ journal }, own) => journal.pendingOutbox(kind, own, limit))
    return mergeInOrder(lists, (a, b) => a.sentAt - b.sentAt, limit)
  }

  async recent(
    kind: ActorKind,
    shards: readonly number[],
    since: number,
    limit: number,
    after?: EventPlace,
  ): Promise<PlacedEvent[]> {
    const lists = await this.each(shards, ({ journal }, own) => journal.recent(kind, own, since, limit, after))
    return mergeInOrder(lists, (a, b) => byText(a.address, b.address) || a.seq - b.seq, limit)
  }

  /** A derived id names the address that sent it, and an outbox row lies with its sender; of another every server is asked. */
  async relayed(envelopeIds: readonly string[]): Promise<void> {
    const byServer = new Map<JournalServer, string[]>()
    for (const id of envelopeIds) {
      const sender = senderOf(id)
      for (const server of sender === undefined ? this.map.all : [this.map.of(sender)]) {
        byServer.set(server, [...(byServer.get(server) ?? []), id])
      }
    }
    await Promise.all([...byServer].map(([{ journal }, ids]) => journal.relayed(ids)))
  }

  async erase(address: Address, epoch: number): Promise<void> {
    const own = this.map.of(address)
    // First where the fence is: a superseded owner erases nothing anywhere (J2).
    await own.journal.erase(address, epoch)
    // Its tool calls have shards of their own. Finished, they are written by nobody any more, so they need no fence.
    const others = this.map.all.filter((server) => server !== own)
    await Promise.all(others.map(({ sql }) => rowsOf(sql, eraseCalls, [`tool:${idOf(address)}`])))
  }

  async forgetApplied(before: number): Promise<number> {
    const forgotten = await Promise.all(this.map.all.map(({ journal }) => journal.forgetApplied(before)))
    return forgotten.reduce((sum, some) => sum + some, 0)
  }

  private each<Answer>(
    shards: readonly number[],
    ask: (server: JournalServer, own: number[]) => Promise<Answer>,
  ): Promise<Answer[]> {
    return Promise.all(this.map.group(shards, (shard) => shard).map(([server, own]) => ask(server, own)))
  }
}

/** `address/seq/index` (derivedId). */
function senderOf(envelopeId: string): Address | undefined {
  const address = /^(.+)\/\d+\/\d+$/.exec(envelopeId)?.[1]
  return isAddress(address) ? address : undefined
}

const eraseCalls = `with calls as materialized (
    select address from actors where address > $1 || '/' and address < $1 || '0' and not unfinished
  ), no_calls as (
    delete from events where address in (select address from calls)
  )
  delete from actors where address in (select address from calls)`
