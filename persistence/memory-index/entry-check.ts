import { Failure } from '../../actors/kernel/failure.ts'
import type { IndexEntry, IndexQuery } from '../../actors/memory/index/memory-index.ts'

/** Answers to one query; more is a listing, not a search (I9). */
export const MAX_LIMIT = 1_000

/** Refuses what an index cannot hold; `dimensions` are those of its vectors so far. Returns those it has from now on. */
export function checkEntries(entries: readonly IndexEntry[], dimensions: number | undefined): number | undefined {
  let known = dimensions
  for (const { key, vector } of entries) {
    if (vector === undefined) continue
    known ??= vector.length
    checkVector(vector, known, `the vector of memory ${key}`)
  }
  return known
}

export function checkQuery(query: IndexQuery, dimensions: number | undefined): void {
  const { limit, mode, vector } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new Failure('INVALID_REQUEST', `the limit is ${limit}, not a whole number from 1 to ${MAX_LIMIT}`)
  if (mode === 'vector' && vector === undefined)
    throw new Failure('INVALID_REQUEST', 'a vector search needs a vector: embed the text, or search lexically')
  if (vector !== undefined && dimensions !== undefined) checkVector(vector, dimensions, 'the vector of the query')
}

function checkVector(vector: Float32Array, dimensions: number, whose: string): void {
  if (vector.length !== dimensions || dimensions === 0)
    throw new Failure(
      'INVALID_REQUEST',
      `${whose} has ${vector.length} dimensions, but those of this index have ${dimensions}: another embedding model made it, so embed the text anew`,
    )
  let square = 0
  for (const component of vector) square += component * component
  // Not a number fails as well.
  if (!(Math.abs(square - 1) < 0.01))
    throw new Failure('INVALID_REQUEST', `${whose} is not of length one (its square is ${square})`)
}
