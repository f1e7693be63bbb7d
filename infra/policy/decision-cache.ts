import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'

const MOST = 10_000

/**
 * Decisions of a service, used again for a moment.
 *   D1. Only for the very same input, arguments and metadata included.
 *   D2. Never longer than its time, POLICY_CACHE_TTL: so long an answer may be out of date.
 *   D3. A failure is not kept.
 * The decision keeps its id: it is the one that the service made.
 */
export class DecisionCache {
  readonly #kept = new LRUCache<string, { readonly decision: PolicyDecision; readonly until: number }>({ max: MOST })
  readonly #ttlMs: number
  readonly #now: () => number

  constructor(ttlMs: number, now: () => number) {
    this.#ttlMs = ttlMs
    this.#now = now
  }

  async of(input: PolicyInput, decide: () => Promise<PolicyDecision>): Promise<PolicyDecision> {
    if (this.#ttlMs === 0) return decide()
    const key = createHash('sha256').update(JSON.stringify(input)).digest('base64')
    const kept = this.#kept.get(key)
    if (kept && this.#now() < kept.until) return kept.decision // D2
    // From before it was asked: while it was on its way it grew old as well.
    const until = this.#now() + this.#ttlMs
    const decision = await decide()
    this.#kept.set(key, { decision, until })
    return decision
  }
}
