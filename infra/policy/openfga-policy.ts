import { Agent } from 'undici'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Policy, PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'
import type { OpenFgaConfig } from '../config/config-services.ts'
import { Breaker } from './breaker.ts'
import { DecisionCache } from './decision-cache.ts'
import { questionFor } from './openfga/questions.ts'
import { storeQuestion } from './openfga/store.ts'
import { callService } from './service-call.ts'

/**
 * Decisions by relations in OpenFGA (openfga/model.fga).
 *   A1. Allowed is what the check says is; a store or model that is not there is POLICY_UNAVAILABLE, not a denial.
 *   A2. A store known by name is looked up once, and again after a failure: it may have been made anew.
 */
export class OpenFgaPolicy implements Policy {
  readonly #config: OpenFgaConfig
  readonly #ids: Ids
  readonly #cache: DecisionCache
  readonly #breaker: Breaker
  readonly #dispatcher = new Agent({ keepAliveTimeout: 30_000 })
  #storeId: string | undefined

  constructor(config: OpenFgaConfig, { clock, ids }: { clock: Clock; ids: Ids }) {
    this.#config = config
    this.#ids = ids
    const now = () => clock.now()
    this.#cache = new DecisionCache(config.cacheMs, now)
    this.#breaker = new Breaker('OpenFGA', now)
  }

  async decide(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    signal.throwIfAborted()
    return this.#cache.of(input, () => this.#breaker.run(signal, () => this.#ask(input, signal)))
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy()
  }

  async #ask(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    const question = questionFor(input)
    const { user, relation, object } = question.tuple_key
    try {
      const storeId = await this.#store(signal)
      const answer = await this.#call(`/stores/${storeId}/check`, signal, question)
      const { allowed } = Object(answer) as { allowed?: unknown }
      if (typeof allowed !== 'boolean') throw new Failure('POLICY_UNAVAILABLE', 'OpenFGA answered without a decision')
      const reason = `${user} ${allowed ? 'is' : 'is not'} ${relation} of ${object}.`
      return { id: this.#ids.uuid(), allow: allowed, reason, policy: `openfga ${object}#${relation}` }
    } catch (error) {
      this.#storeId = undefined // A2
      throw error
    }
  }

  async #store(signal: AbortSignal): Promise<string> {
    if (this.#storeId !== undefined) return this.#storeId
    const { path, pick } = storeQuestion(this.#config.store)
    const found = pick(await this.#call(path, signal))
    if (!found) {
      const detail = `OpenFGA has no store ${this.#config.store} (OPENFGA_STORE_ID); make it with npm run openfga:prepare`
      throw new Failure('POLICY_UNAVAILABLE', detail)
    }
    this.#storeId = found.id
    return found.id
  }

  #call(path: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    const url = `${this.#config.url.replace(/\/+$/, '')}${path}`
    return callService({
      service: 'OpenFGA',
      url,
      dispatcher: this.#dispatcher,
      signal,
      ...(body !== undefined && { body }),
    })
  }
}
