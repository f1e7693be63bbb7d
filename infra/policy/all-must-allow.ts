import type { Ids } from '../../actors/kernel/clock.ts'
import type { Policy, PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'

/**
 * The policy file, OPA and OpenFGA as one policy.
 *   C1. It allows when every one of them does, and names them all; else the first that denies is who decided.
 *   C2. One that cannot decide makes the whole unavailable, unless another denies: then the answer is known without it.
 *   C3. They are asked side by side; the order is only whose word is reported.
 */
export class AllMustAllow implements Policy {
  readonly #policies: readonly Policy[]
  readonly #ids: Ids

  constructor(policies: readonly [Policy, ...Policy[]], ids: Ids) {
    this.#policies = policies
    this.#ids = ids
  }

  async decide(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    const [only, ...others] = this.#policies
    if (only && others.length === 0) return only.decide(input, signal)
    const answers = await Promise.allSettled(this.#policies.map((policy) => policy.decide(input, signal)))
    const decisions = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const denial = decisions.find(({ allow }) => allow !== true)
    if (denial) return { ...denial, allow: false }
    const unknown = answers.find((answer) => answer.status === 'rejected')
    if (unknown) throw unknown.reason // C2
    return {
      id: this.#ids.uuid(),
      allow: true,
      reason: decisions.map(({ reason }) => reason).join(' '),
      policy: decisions.map(({ policy, id }) => `${policy} (${id})`).join(', '),
    }
  }
}
