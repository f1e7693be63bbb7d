import { createHash } from 'node:crypto'

/** Namespace of our name-based UUIDs (RFC 9562, version 5). Part of the contract: changing it renames every named session. */
const NAMESPACE = Buffer.from('7c0b1d6e6f7a5c3f9a4e2d1b8f60a9c4', 'hex')

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** The UUID of a tuple of words: the same words give the same id on every gateway, without a lookup. */
export function uuidOf(...words: readonly string[]): string {
  // JSON, not a joined string: ('a','b/c') and ('a/b','c') must differ.
  const hash = createHash('sha1').update(NAMESPACE).update(JSON.stringify(words)).digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  return dashed(hash.toString('hex', 0, 16))
}

/** A UUID is taken as it is; any other name belongs to its tenant, so equal names of two tenants never meet. */
export function sessionIdOf(tenant: string, name: string): string {
  return isUuid(name) ? name.toLowerCase() : uuidOf('session', tenant, name)
}

/** `resp_` and `conv_` ids of the OpenAI surface hold UUIDs without their dashes. */
export function undashed(uuid: string): string {
  return uuid.replaceAll('-', '')
}

export function dashed(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
