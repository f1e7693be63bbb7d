import { blake2b } from '@noble/hashes/blake2.js'

/** Three numbers in [-1, 1] that SomaBrain's readers know a memory by: x, y, z. */
export type Coordinate = readonly [number, number, number]

/** Blake2b-96 of `universe::key` as three big-endian 32-bit fractions. Node's own blake2b has only the 512-bit form. */
export function coordinateOf(universe: string, key: string): Coordinate {
  const bytes = blake2b(new TextEncoder().encode(`${universe}::${key}`), { dkLen: 12 })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const fraction = (offset: number) => (view.getUint32(offset) / 2 ** 32) * 2 - 1
  return [fraction(0), fraction(4), fraction(8)]
}
