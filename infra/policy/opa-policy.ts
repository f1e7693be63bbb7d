import { Failure } from '../../actors/kernel/failure.ts'
import type { PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'
import type { OpaConfig } from '../config/config-services.ts'
import { RemotePolicy, type RemotePolicyParts } from './remote-policy.ts'

/**
 * Decisions of an Open Policy Agent.
 *   O1. The answer is a boolean, or an object whose `allow` is one and whose `reason` is told. Nothing else allows.
 *   O2. No answer, and no decision at the path (`result` left out), is POLICY_UNAVAILABLE: a policy that was not loaded
 *       is an operator's mistake, and to call it a denial would send the user looking for a rule.
 */
export class OpaPolicy extends RemotePolicy {
  readonly #path: string

  constructor(config: OpaConfig, parts: RemotePolicyParts) {
    super('OPA', config, parts)
    this.#path = config.path
  }

  protected async ask(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    const path = this.#path
    const answer = await this.call(path, signal, { input })
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
      id: typeof decision_id === 'string' ? decision_id : this.ids.uuid(),
      allow,
      reason:
        typeof reason === 'string' && reason !== '' ? reason : allow ? 'OPA allows it.' : `OPA denies ${what(input)}.`,
      policy: `opa ${path}`,
    }
  }
}

const what = ({ action, resource }: PolicyInput) => `${action} on ${resource}`
