import type { MemoryRows } from '../../persistence/memory-rows.ts'
import type { Address } from '../kernel/address.ts'
import type { Clock } from '../kernel/clock.ts'
import { asFailure, Failure } from '../kernel/failure.ts'
import { pause } from '../kernel/pause.ts'
import { type CheckedRecall, checkRecalling } from './asked.ts'
import { inTime } from './in-time.ts'
import type { Embedder, IndexHit, IndexQuery } from './index/memory-index.ts'
import { itemOf } from './item.ts'
import { memoryLimits } from './limits.ts'
import type { MemoryCaller, Recalled, Recalling } from './memory.ts'
import type { MemoryOwners } from './owners.ts'
import { shardAddressesOf } from './place.ts'

export interface RecallParts {
  readonly owners: Pick<MemoryOwners, 'search'>
  readonly rows: Pick<MemoryRows, 'get' | 'namespaceNames'>
  readonly embedder?: Embedder | undefined
  readonly clock: Clock
}

const SHARD_MS = 2_000
/** A shard that has just moved is asked again at its new owner. */
const AGAIN_AFTER_MS = 250
const EMBED_MS = 2_000
/** Hits whose row is gone meanwhile are made up for by so many more. */
const SPARE = 10

interface PlacedHit extends IndexHit {
  readonly address: Address
}

/**
 * A search over all shards of a namespace, or of all namespaces of the tenant: no message and no journal entry. The rows
 * are read for this tenant alone (Q1), so whatever an index should say, nobody sees another's memory.
 */
export async function recall(
  parts: RecallParts,
  asked: Recalling,
  { tenant, signal }: MemoryCaller,
): Promise<Recalled> {
  const { owners, rows, clock } = parts
  const from = clock.now()
  const checked = checkRecalling(asked)
  const warnings: string[] = []
  const [addresses, vector] = await Promise.all([
    addressesOf(parts, checked, tenant, warnings),
    vectorOf(parts, checked, warnings, signal),
  ])
  const query = indexQuery(checked, vector, from)
  const hits = await searchAll(owners, addresses, query, clock, warnings)
  const best = hits.sort(bestFirst).slice(0, checked.topK + SPARE)
  const found = await rows.get(tenant, best, from)
  const byPlace = new Map(found.map((row) => [`${row.address} ${row.key}`, row]))
  const shown = new Set<string>()
  const results = best.flatMap(({ address, key, score, lexical, vector: alike }) => {
    const row = byPlace.get(`${address} ${key}`)
    // M2: the same content, under another key of the namespace, was better placed.
    const content = row && `${row.namespace} ${row.contentHash}`
    if (content === undefined || shown.has(content)) return []
    shown.add(content)
    return row ? [{ ...itemOf(row), score, lexicalScore: lexical, vectorScore: alike }] : []
  })
  return { results: results.slice(0, checked.topK), tookMs: clock.now() - from, warnings }
}

async function addressesOf(
  { rows }: RecallParts,
  { namespace }: CheckedRecall,
  tenant: string,
  warnings: string[],
): Promise<readonly Address[]> {
  if (namespace !== undefined) return shardAddressesOf(tenant, namespace)
  const names = await rows.namespaceNames(tenant, memoryLimits.namespaces + 1)
  if (names.length > memoryLimits.namespaces) {
    warnings.push(`Only the first ${memoryLimits.namespaces} namespaces were searched: name one.`)
  }
  return names.slice(0, memoryLimits.namespaces).flatMap((name) => shardAddressesOf(tenant, name))
}

/** Made once for all shards. Without one the words alone are searched, and the caller is told. */
async function vectorOf(
  { embedder, clock }: RecallParts,
  { query, mode }: CheckedRecall,
  warnings: string[],
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  if (mode === 'lexical') return undefined
  const missing = (why: string) => {
    if (mode === 'vector') throw new Failure('EMBEDDING_UNAVAILABLE', why, { retryAfter: 1 })
    warnings.push(`Searched by words alone: ${why}`)
    return undefined
  }
  if (!embedder) {
    // No news where it is the configuration: only who asked for vectors is told.
    return mode === 'vector' ? missing('no embedding model is configured.') : undefined
  }
  const expiry = new AbortController()
  try {
    const within = signal ? AbortSignal.any([signal, expiry.signal]) : expiry.signal
    const made = await inTime(clock, EMBED_MS, embedder.embed([query], within))
    if (made !== 'late') return made[0] ?? missing('the embedding model gave no vector.')
    expiry.abort(new DOMException('embedding timed out', 'TimeoutError'))
    return missing(`the embedding model did not answer within ${EMBED_MS} ms.`)
  } catch (error) {
    const { code, detail } = asFailure(error)
    if (code === 'EMBEDDING_UNAVAILABLE' && mode === 'vector') throw error
    return missing(detail)
  }
}

function indexQuery(checked: CheckedRecall, vector: Float32Array | undefined, now: number): IndexQuery {
  const { query: text, topK, mode, universe, tags, sessionId, personaId, minScore, maxAgeSeconds } = checked
  return {
    ...{ text, now, limit: topK + SPARE, mode: vector === undefined ? 'lexical' : mode },
    ...(vector !== undefined && { vector }),
    ...(universe !== undefined && { universe }),
    ...(tags !== undefined && { tags }),
    ...(sessionId !== undefined && { sessionId }),
    ...(personaId !== undefined && { personaId }),
    ...(minScore !== undefined && { minScore }),
    ...(maxAgeSeconds !== undefined && { maxAgeMs: maxAgeSeconds * 1_000 }),
  }
}

async function searchAll(
  owners: Pick<MemoryOwners, 'search'>,
  addresses: readonly Address[],
  query: IndexQuery,
  clock: Clock,
  warnings: string[],
): Promise<PlacedHit[]> {
  const hits: PlacedHit[] = []
  let left = addresses
  for (let attempt = 0; left.length > 0; attempt++) {
    const asking = left
    const answers = await owners.search(asking, query, SHARD_MS)
    left = []
    answers.forEach((answer, i) => {
      const address = asking[i] as Address
      if ('hits' in answer) hits.push(...answer.hits.map((hit) => ({ ...hit, address })))
      else if (attempt === 0) left = [...left, address]
      else warnings.push(`${address} could not be asked: ${answer.problem}`)
    })
    if (left.length > 0) await pause(clock, AGAIN_AFTER_MS)
  }
  return hits
}

function bestFirst(a: PlacedHit, b: PlacedHit): number {
  return b.score - a.score || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}
