import { type ActorKind, type Address, SHARDS_PER_KIND, shardOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { systemIds } from '../../infra/clock.ts'
import type { Epochs } from '../../persistence/epochs.ts'
import type { Append, SessionRecord } from '../../persistence/journal.ts'

export const AT = 1_763_827_200_123

export function freshSession(): Address {
  return `session:${systemIds.uuid()}`
}

/** Owns every session shard; returns the epoch that appends must carry. */
export async function ownSessions(epochs: Epochs, node = 'node-a', kind: ActorKind = 'session'): Promise<number> {
  const all = Array.from({ length: SHARDS_PER_KIND }, (_, shard) => shard)
  const leases = await epochs.claim(node, kind, all)
  return leases[0]?.epoch as number
}

/** As `ownSessions`, where the shards may have been claimed more or less often: the epoch of each. */
export async function ownShards(epochs: Epochs, kind: ActorKind): Promise<(address: Address) => number> {
  const all = Array.from({ length: SHARDS_PER_KIND }, (_, shard) => shard)
  const leases = new Map((await epochs.claim('node-a', kind, all)).map((lease) => [lease.shard, lease.epoch]))
  return (address) => leases.get(shardOf(address)) as number
}

export function anAppend(over: Partial<Append> & Pick<Append, 'address' | 'epoch'>): Append {
  return {
    envelopeId: systemIds.uuid(),
    expectedSeq: 0,
    events: [anEvent('hello')],
    outbox: [],
    unfinished: false,
    ...over,
  }
}

export function anEvent(data: unknown) {
  return { kind: 'Noted', version: 1, at: AT, data }
}

export function anEnvelope(over: Partial<Envelope> = {}): Envelope {
  const id = over.id ?? systemIds.uuid()
  const to = over.to ?? freshSession()
  return { from: 'gateway', tenant: 'acme', priority: 'normal', trace: {}, sentAt: AT, body: { n: 1 }, ...over, id, to }
}

export function aRecord(over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    sessionId: systemIds.uuid(),
    tenant: 'acme',
    personaId: 'assistant',
    metadata: {},
    state: 'idle',
    createdAt: AT,
    updatedAt: AT,
    ...over,
  }
}
