import { Failure } from '../../actors/kernel/failure.ts'
import type { PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'
import type { OpenFgaConfig } from '../config/config-services.ts'
import { questionFor } from './openfga/questions.ts'
import { storeQuestion } from './openfga/store.ts'
import { RemotePolicy, type RemotePolicyParts } from './remote-policy.ts'

/**
 * Decisions by relations in OpenFGA (openfga/model.fga).
 *   A1. Allowed is what the check says is; a store or model that is not there is POLICY_UNAVAILABLE, not a denial.
 *   A2. A store known by name is looked up once, and again after a failure: it may have been made anew.
 */
export class OpenFgaPolicy extends RemotePolicy {
  readonly #store: string
  #storeId: string | undefined

  constructor(config: OpenFgaConfig, parts: RemotePolicyParts) {
    super('OpenFGA', config, parts)
    this.#store = config.store
  }

  protected async ask(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    const question = questionFor(input)
    const { user, relation, object } = question.tuple_key
    try {
      const storeId = await this.#idOfStore(signal)
      const answer = await this.call(`/stores/${storeId}/check`, signal, question)
      const { allowed } = Object(answer) as { allowed?: unknown }
      if (typeof allowed !== 'boolean') throw new Failure('POLICY_UNAVAILABLE', 'OpenFGA answered without a decision')
      const reason = `${user} ${allowed ? 'is' : 'is not'} ${relation} of ${object}.`
      return { id: this.ids.uuid(), allow: allowed, reason, policy: `openfga ${object}#${relation}` }
    } catch (error) {
      this.#storeId = undefined // A2
      throw error
    }
  }

  async #idOfStore(signal: AbortSignal): Promise<string> {
    if (this.#storeId !== undefined) return this.#storeId
    const { path, pick } = storeQuestion(this.#store)
    const found = pick(await this.call(path, signal))
    if (!found) {
      const detail = `OpenFGA has no store ${this.#store} (OPENFGA_STORE_ID); make it with npm run openfga:prepare`
      throw new Failure('POLICY_UNAVAILABLE', detail)
    }
    this.#storeId = found.id
    return found.id
  }
}
