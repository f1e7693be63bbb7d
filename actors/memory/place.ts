import { createHash } from 'node:crypto'
import { type Address, address } from '../kernel/address.ts'

/**
 * Where a memory lives: which shard actor keeps the key of a namespace. Part of the stored contract: changing the hash or
 * the number of shards would look for old memories in the wrong place.
 */

/** The working memory of a tenant is the namespace of this name: one shard of its own, small and evicting. */
export const WORKING_MEMORY = 'wm'
/** Of a namespace. More spread the work of one namespace further and cost each small namespace more actors. */
export const SHARDS_PER_NAMESPACE = 4
/** An address is at most 200 characters long (actors/kernel/address.ts). */
const MAX_COMPONENT = 90

export type Layer = 'wm' | 'ltm'

export function layerOf(namespace: string): Layer {
  return namespace === WORKING_MEMORY ? 'wm' : 'ltm'
}

export function shardAddressOf(tenant: string, namespace: string, key: string): Address {
  const n = layerOf(namespace) === 'wm' ? 0 : hashOf(key) % SHARDS_PER_NAMESPACE
  return at(tenant, namespace, n)
}

/** Every shard of a namespace: a search asks them all. */
export function shardAddressesOf(tenant: string, namespace: string): readonly Address[] {
  const count = layerOf(namespace) === 'wm' ? 1 : SHARDS_PER_NAMESPACE
  return Array.from({ length: count }, (_, n) => at(tenant, namespace, n))
}

function at(tenant: string, namespace: string, n: number): Address {
  return address('memory', `${component(tenant)}/${component(namespace)}/${n}`)
}

/** `$` is never left by encodeURIComponent, so a hashed name is never another's plain one. */
function component(name: string): string {
  const plain = encoded(name)
  if (plain !== undefined && plain.length <= MAX_COMPONENT) return plain
  // JSON keeps an unpaired surrogate apart from any other.
  return `$${createHash('sha256').update(JSON.stringify(name)).digest('hex').slice(0, 40)}`
}

/** Undefined for text with an unpaired surrogate, which no URI can hold. */
function encoded(name: string): string | undefined {
  try {
    return encodeURIComponent(name)
  } catch {
    return undefined
  }
}

/** FNV-1a over UTF-16 units, as in actors/kernel/address.ts. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

export function layerOfAddress(of: Address): Layer {
  return of.split('/')[1] === WORKING_MEMORY ? 'wm' : 'ltm'
}
