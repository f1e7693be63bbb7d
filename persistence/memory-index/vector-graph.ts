/** Approximate neighbours of bit vectors, by slot. The part of usearch that we use, so that an index can be without it. */
export interface VectorGraph {
  /** What a neighbour asked of the graph costs, in vectors whose signs could be compared instead. */
  readonly nearCost: number
  add(slots: readonly number[], vectors: Float32Array): void
  remove(slot: number): void
  /** Nearest first. */
  near(vector: Float32Array, count: number): number[]
}

export type MakeVectorGraph = (dimensions: number) => VectorGraph

/** Neighbours of each node, and how many candidates are held while one is linked or searched: recall against time. */
const CONNECTIVITY = 16
const EXPANSION_ADD = 64
const EXPANSION_SEARCH = 128
/** A neighbour takes 4 µs, signs 0.04 to 0.08 for each that passes: more where these lie far apart. */
const NEAR_COST = 50

/**
 * Graphs of usearch (HNSW), or undefined where the optional package is not installed or has no binary for this platform.
 * A node is one bit a dimension, compared by Hamming distance: 64 bytes instead of 512, and linked twice as fast as with
 * bytes. The caller ranks what is near by exact products; with four times as many candidates as are wanted nothing is lost
 * (docs/adr/0012).
 */
export async function loadVectorGraphs(): Promise<MakeVectorGraph | undefined> {
  let usearch: typeof import('usearch')
  try {
    usearch = await import('usearch')
  } catch {
    return undefined
  }
  const { Index, MetricKind, ScalarKind } = usearch
  return (dimensions) => {
    const index = new Index({
      dimensions,
      metric: MetricKind.Hamming,
      quantization: ScalarKind.B1,
      connectivity: CONNECTIVITY,
      expansion_add: EXPANSION_ADD,
      expansion_search: EXPANSION_SEARCH,
      multi: false,
    })
    return {
      nearCost: NEAR_COST,
      add: (slots, vectors) => index.add(BigUint64Array.from(slots, BigInt), vectors, 1),
      remove: (slot) => void index.remove(BigInt(slot)),
      near(vector, count) {
        if (index.size() === 0) return []
        return Array.from(index.search(vector, Math.min(count, index.size()), 1).keys, Number)
      },
    }
  }
}
