import type { IndexQuery } from '../../actors/memory/index/memory-index.ts'

/** One entry that lexical search or the vectors found, with its scores in both: all in [0, 1]. */
export interface Found {
  readonly ordinal: number
  readonly lexical: number
  readonly vector: number
  readonly hasVector: boolean
  readonly importance: number
  readonly createdAt: number
}

export interface Ranked extends Found {
  readonly score: number
}

/**
 * What the two kinds of evidence weigh in a hybrid search. The middle of the range (0.4 to 0.7) in which the question set of
 * the bench is answered equally well; ranks (RRF) instead of scores did worse, and gave no score that means anything.
 */
const LEXICAL_WEIGHT = 0.55

/** An unimportant, old memory is at most this much behind an important, fresh one that fits as well. */
const IMPORTANCE_SHARE = 0.1
const FRESHNESS_SHARE = 0.05
const FRESHNESS_HALF_LIFE_MS = 30 * 24 * 3_600_000

/**
 * Best first, at most `limit`, none below `minScore`.
 *   F1. A score depends on the entry and the query and not on what else was found, so the answers of several shards are
 *       merged by it. (How rare a word is differs a little between shards.)
 *   F2. In a hybrid search the first of the lexical and the first of the vector ranking are among the answers (from a limit
 *       of two on): neither kind of evidence can be outvoted altogether.
 *   F3. Equal scores are ordered by age, the newest first, then by ordinal: the same question has the same answer.
 *   F4. What has no vector yet is judged by its words alone: a memory that was written a moment ago must not stand behind all
 *       that has one.
 */
export function ranked(found: readonly Found[], query: IndexQuery): Ranked[] {
  const least = query.minScore ?? 0
  const scored = found
    .map((it) => ({ ...it, score: relevance(it, query) * favour(it, query.now) }))
    .filter(({ score }) => score > 0 && score >= least)
    .sort(byScore)
  const best = scored.slice(0, query.limit)
  if (query.mode !== 'hybrid' || query.limit < 2 || scored.length <= best.length) return best
  const seated = [firstBy(scored, query.now, 'lexical'), firstBy(scored, query.now, 'vector')]
  const missing = seated.filter((it): it is Ranked => it !== undefined && !best.includes(it))
  for (const [i, it] of [...new Set(missing)].entries()) {
    // From the end, but never over a first of the other kind.
    let at = best.length - 1 - i
    while (at > 0 && seated.includes(best[at])) at--
    best[at] = it
  }
  return best.sort(byScore)
}

function relevance({ lexical, vector, hasVector }: Found, query: IndexQuery): number {
  switch (query.mode) {
    case 'lexical':
      return lexical
    case 'vector':
      return vector
    case 'hybrid':
      if (query.vector === undefined || !hasVector) return lexical // F4
      return LEXICAL_WEIGHT * lexical + (1 - LEXICAL_WEIGHT) * vector
  }
}

/** In [0.85, 1]: settles what is close, and never more. */
function favour({ importance, createdAt }: Found, now: number): number {
  const age = Math.max(0, now - createdAt)
  const freshness = 2 ** (-age / FRESHNESS_HALF_LIFE_MS)
  return 1 - IMPORTANCE_SHARE * (1 - importance) - FRESHNESS_SHARE * (1 - freshness)
}

function firstBy(found: readonly Ranked[], now: number, evidence: 'lexical' | 'vector'): Ranked | undefined {
  const worth = (it: Ranked) => it[evidence] * favour(it, now)
  const first = found.reduce<Ranked | undefined>(
    (best, it) =>
      best === undefined || worth(it) > worth(best) || (worth(it) === worth(best) && newer(it, best)) ? it : best,
    undefined,
  )
  return first !== undefined && first[evidence] > 0 ? first : undefined
}

const newer = (a: Found, b: Found) =>
  b.createdAt - a.createdAt < 0 || (a.createdAt === b.createdAt && a.ordinal > b.ordinal)

function byScore(a: Ranked, b: Ranked): number {
  return b.score - a.score || b.createdAt - a.createdAt || b.ordinal - a.ordinal
}
