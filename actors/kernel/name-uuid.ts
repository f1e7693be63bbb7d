import { createHash } from 'node:crypto'

/** Namespace of our name-based UUIDs (RFC 9562, version 5). Part of the contract: changing it renames every named session. */
const NAMESPACE = Buffer.from('7c0b1d6e6f7a5c3f9a4e2d1b8f60a9c4', 'hex')

/** The UUID of a tuple of words: the same words give the same id on every process, without a lookup. */
export function uuidOf(...words: readonly string[]): string {
  // JSON, not a joined string: ('a','b/c') and ('a/b','c') must differ.
  const hash = createHash('sha1').update(NAMESPACE).update(JSON.stringify(words)).digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  return dashed(hash.toString('hex', 0, 16))
}

export function dashed(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
