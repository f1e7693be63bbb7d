import { Agent } from 'undici'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import type { Policy, PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'
import { Breaker } from './breaker.ts'
import { DecisionCache } from './decision-cache.ts'
import { callService } from './service-call.ts'

export interface RemotePolicyParts {
  readonly clock: Clock
  readonly ids: Ids
}

/** Decisions of a service over HTTP: kept for a while, and not asked for while the service is away. */
export abstract class RemotePolicy implements Policy {
  protected readonly ids: Ids
  readonly #service: string
  readonly #url: string
  readonly #cache: DecisionCache
  readonly #breaker: Breaker
  readonly #dispatcher = new Agent({ keepAliveTimeout: 30_000 })

  constructor(service: string, config: { readonly url: string; readonly cacheMs: number }, parts: RemotePolicyParts) {
    this.ids = parts.ids
    this.#service = service
    this.#url = config.url.replace(/\/+$/, '')
    const now = () => parts.clock.now()
    this.#cache = new DecisionCache(config.cacheMs, now)
    this.#breaker = new Breaker(service, now)
  }

  async decide(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    signal.throwIfAborted()
    return this.#cache.of(input, () => this.#breaker.run(signal, () => this.ask(input, signal)))
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy()
  }

  /** Rejects with POLICY_UNAVAILABLE when there is no decision. */
  protected abstract ask(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision>

  protected call(path: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    return callService({
      service: this.#service,
      url: `${this.#url}${path}`,
      dispatcher: this.#dispatcher,
      signal,
      ...(body !== undefined && { body }),
    })
  }
}
