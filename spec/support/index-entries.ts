import type { IndexEntry, IndexQuery } from '../../actors/memory/index/memory-index.ts'

export const DAY_MS = 24 * 3_600_000
/** When the questions are asked. */
export const NOW = Date.UTC(2026, 10, 24)

export function anEntry(key: string, text: string, more: Partial<IndexEntry> = {}): IndexEntry {
  return { key, text, tags: [], universe: 'main', importance: 0.5, createdAt: NOW - DAY_MS, ...more }
}

export function aQuery(text: string, more: Partial<IndexQuery> = {}): IndexQuery {
  return { text, mode: 'lexical', limit: 10, now: NOW, ...more }
}

/** A vector of length one in the direction of `components`. */
export function unit(...components: number[]): Float32Array {
  const length = Math.hypot(...components)
  return Float32Array.from(components, (component) => component / length)
}

/** Numbers in [0, 1) that are the same at every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    // The low bits of this generator repeat soon.
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
  }
}

export function randomUnit(random: () => number, dimensions: number): Float32Array {
  return unit(...Array.from({ length: dimensions }, () => random() + random() + random() - 1.5))
}
