import { type Address, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import { asFailure, Failure } from '../../actors/kernel/failure.ts'
import type { IndexQuery } from '../../actors/memory/index/memory-index.ts'
import type { MemoryOwners, ShardAnswer } from '../../actors/memory/owners.ts'
import type { MemoryOutcome } from '../../actors/memory/protocol.ts'
import type { Epochs } from '../../persistence/epochs.ts'
import type { ClusterNode } from '../../persistence/membership.ts'
import type { PeerTalk } from '../../transports/link/peer-talk.ts'
import { type SentQuery, sentQuery } from './memory-questions.ts'
import type { Peers } from './peers.ts'

export interface ClusterMemoryOwnersParts {
  readonly self: () => { readonly id: string }
  /** The shards of this process, where it has any. */
  readonly local: MemoryOwners | undefined
  readonly epochs: Pick<Epochs, 'list'>
  readonly peers: Pick<Peers, 'find'>
  readonly talk: Pick<PeerTalk, 'ask'>
  readonly clock: Clock
}

/** Who owns what is looked up anew after this long, and at once when an owner did not answer as one. */
const KNOWN_MS = 1_000
/** The answer comes back after the owner's own limit. */
const ON_THE_WAY_MS = 500

/** Asks whoever owns a memory shard now, each node once for all of its shards; this process without a link. */
export class ClusterMemoryOwners implements MemoryOwners {
  private readonly parts: ClusterMemoryOwnersParts
  private known: { readonly at: number; readonly owners: Promise<ReadonlyMap<number, string>> } | undefined

  constructor(parts: ClusterMemoryOwnersParts) {
    this.parts = parts
  }

  async search(addresses: readonly Address[], query: IndexQuery, timeoutMs: number): Promise<readonly ShardAnswer[]> {
    const answers = new Map<Address, ShardAnswer>()
    try {
      const owners = await this.owners()
      const groups = new Map<string, Address[]>()
      for (const address of addresses) {
        const owner = owners.get(shardOf(address)) ?? ''
        groups.set(owner, [...(groups.get(owner) ?? []), address])
      }
      await Promise.all(
        [...groups].map(async ([owner, own]) => {
          const found = await this.searchAt(owner, own, query, timeoutMs)
          own.forEach((address, i) => {
            answers.set(address, found[i] ?? { problem: 'its owner gave no answer' })
          })
        }),
      )
    } catch (error) {
      const problem = asFailure(error).detail
      return addresses.map(() => ({ problem }))
    }
    if ([...answers.values()].some((answer) => 'problem' in answer)) this.known = undefined
    return addresses.map((address) => answers.get(address) ?? { problem: 'nobody owns it at the moment' })
  }

  async outcome(address: Address, envelopeId: string, timeoutMs: number): Promise<MemoryOutcome | 'long-ago'> {
    const { local, talk } = this.parts
    try {
      const owner = (await this.owners()).get(shardOf(address)) ?? ''
      if (local && owner === this.parts.self().id) return await local.outcome(address, envelopeId, timeoutMs)
      const question = { op: 'memory.outcome', args: { address, envelopeId, timeoutMs } }
      return await talk.ask<MemoryOutcome | 'long-ago'>(this.node(owner, address), question, timeoutMs + ON_THE_WAY_MS)
    } catch (error) {
      this.known = undefined
      throw error
    }
  }

  private async searchAt(
    owner: string,
    addresses: readonly Address[],
    query: IndexQuery,
    timeoutMs: number,
  ): Promise<readonly ShardAnswer[]> {
    const { local, talk, self } = this.parts
    if (local && owner === self().id) return local.search(addresses, query, timeoutMs)
    try {
      const args: SentQuery = { addresses, query: sentQuery(query), timeoutMs }
      const node = this.node(owner, addresses[0] as Address)
      return await talk.ask<readonly ShardAnswer[]>(node, { op: 'memory.search', args }, timeoutMs + ON_THE_WAY_MS)
    } catch (error) {
      const problem = asFailure(error).detail
      return addresses.map(() => ({ problem }))
    }
  }

  private node(owner: string, address: Address): ClusterNode {
    const node = owner === '' ? undefined : this.parts.peers.find(owner)
    if (node) return node
    throw new Failure('NODE_UNREACHABLE', `no node owns ${address} at the moment`, { retryAfter: 1 })
  }

  private owners(): Promise<ReadonlyMap<number, string>> {
    const now = this.parts.clock.now()
    if (this.known === undefined || now - this.known.at >= KNOWN_MS) {
      const owners = this.parts.epochs
        .list('memory')
        .then((leases) => new Map(leases.map(({ shard, owner }) => [shard, owner])))
      // Who waits for it hears of a failure; the next one asks again.
      owners.catch(() => {
        this.known = undefined
      })
      this.known = { at: now, owners }
    }
    return this.known.owners
  }
}
