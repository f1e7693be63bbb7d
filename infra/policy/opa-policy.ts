import { Agent } from 'undici'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Policy, PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'
import type { OpaConfig } from '../config/config-services.ts'
import { Breaker } from './breaker.ts'
import { DecisionCache } from './decision-cache.ts'
import { callService } from './service-call.ts'

/**
 * Decisions of an Open Policy Agent.
 *   O1. The answer is a boolean, or an object whose `allow` is one and whose `reason` is told. Nothing else allows.
 *   O2. No answer, and no decision at the path (`result` left out), is POLICY_UNAVAILABLE: a policy that was not loaded
 *       is an operator's mistake, and to call it a denial would send the user looking for a rule.
 */
export class OpaPolicy implements Policy {
  readonly #config: OpaConfig
  readonly #ids: Ids
  readonly #cache: DecisionCache
  readonly #breaker: Breaker
  readonly #dispatcher = new Agent({ keepAliveTimeout: 30_000 })

  constructor(config: OpaConfig, { clock, ids }: { clock: Clock; ids: Ids }) {
    this.#config = config
    this.#ids = ids
    const now = () => clock.now()
    this.#cache = new DecisionCache(config.cacheMs, now)
    this.#breaker = new Breaker('OPA', now)
  }

  async decide(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    signal.throwIfAborted()
    return this.#cache.of(input, () => this.#breaker.run(signal, () => this.#ask(input, signal)))
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy()
  }

  async #ask(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    const { path } = this.#config
    const url = `${this.#config.url.replace(/\/+$/, '')}${path}`
    const answer = await callService({ service: 'OPA', url, dispatcher: this.#dispatcher, signal, body: { input } })
    const { result, decision_id } = Object(answer) as { result?: unknown; decision_id?: unknown }
    if (result === undefined) {
      throw new Failure(
        'POLICY_UNAVAILABLE',
        `OPA has no decision at ${path} (POLICY_DATA_PATH): is the policy loaded?`,
      )
    }
    const allow = typeof result === 'object' && result !== null ? (result as { allow?: unknown }).allow : result
    if (typeof allow !== 'boolean') {
      const detail = `OPA's decision at ${path} is ${JSON.stringify(result).slice(0, 100)}, expected a boolean or {allow, reason}`
      throw new Failure('POLICY_UNAVAILABLE', detail)
    }
    const { reason } = Object(result) as { reason?: unknown }
    return {
      id: typeof decision_id === 'string' ? decision_id : this.#ids.uuid(),
      allow,
      reason:
        typeof reason === 'string' && reason !== '' ? reason : allow ? 'OPA allows it.' : `OPA denies ${what(input)}.`,
      policy: `opa ${path}`,
    }
  }
}

const what = ({ action, resource }: PolicyInput) => `${action} on ${resource}`
