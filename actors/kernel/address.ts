/**
 * Who a message is for: `kind:id`, and the shard that owns that address.
 * The hash is part of the wire contract: changing it, or a kind's shard count, moves every actor.
 */

export const actorKinds = ['session', 'tool', 'memory'] as const
export type ActorKind = (typeof actorKinds)[number]

/** `session:8c5f…`, `tool:8c5f…/3.1.0`. Only addressed actors are journaled and reachable from other nodes. */
export type Address = `${ActorKind}:${string}`

/** Shards per kind, fixed when the topic (or the data directory) is created. */
export const SHARDS_PER_KIND = 64

const MAX_ADDRESS_LENGTH = 200

export function address(kind: ActorKind, id: string): Address {
  return `${kind}:${id}`
}

export function kindOf(address: Address): ActorKind {
  return address.slice(0, address.indexOf(':')) as ActorKind
}

export function idOf(address: Address): string {
  return address.slice(address.indexOf(':') + 1)
}

export function isAddress(text: unknown): text is Address {
  if (typeof text !== 'string' || text.length > MAX_ADDRESS_LENGTH) return false
  const colon = text.indexOf(':')
  return colon > 0 && colon < text.length - 1 && (actorKinds as readonly string[]).includes(text.slice(0, colon))
}

/** One shard of one kind, as the key of a map. */
export function shardKey(kind: ActorKind, shard: number): string {
  return `${kind}/${shard}`
}

/** FNV-1a (32 bit) of the id modulo the shard count: fast, stable, the same in every language that writes our topics. */
export function shardOf(address: Address, shards: number = SHARDS_PER_KIND): number {
  let hash = 0x811c9dc5
  for (let i = address.indexOf(':') + 1; i < address.length; i++) {
    hash = Math.imul(hash ^ address.charCodeAt(i), 0x01000193)
  }
  return (hash >>> 0) % shards
}
