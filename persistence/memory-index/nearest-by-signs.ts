import type { BitVectors } from './bit-vectors.ts'

/** The `wanted` of `slots` whose signs differ least from those given, and all of them where they are no more. Of equals the last. */
export function nearestBySigns(vectors: BitVectors, signs: Int32Array, slots: Int32Array, wanted: number): Int32Array {
  if (slots.length <= wanted) return slots
  const distances = new Uint16Array(slots.length)
  // How many are at each distance: the one to cut at is found without sorting.
  const counts = new Uint32Array(signs.length * 32 + 1)
  vectors.distances(slots, signs, distances)
  for (const distance of distances) {
    counts[distance] = (counts[distance] as number) + 1
  }
  let cut = 0
  let closer = 0
  while (closer + (counts[cut] as number) < wanted) closer += counts[cut++] as number
  let room = wanted - closer
  const near = new Int32Array(wanted)
  let at = 0
  for (let i = slots.length - 1; i >= 0; i--) {
    const distance = distances[i] as number
    if (distance > cut || (distance === cut && room-- <= 0)) continue
    near[at++] = slots[i] as number
  }
  return near
}
