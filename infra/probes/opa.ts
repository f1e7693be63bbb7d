import type { OpaConfig } from '../config/config-services.ts'
import { askHttp, httpPlace, reachHttp, refusal } from './http.ts'
import { at, type Probe, Trouble } from './probe.ts'

/** A question that any policy can decide; what it decides does not matter here. */
const sample = {
  tenant: 'probe',
  persona_id: 'probe',
  action: 'tool.execute',
  resource: 'probe',
  context: { args: {}, metadata: {} },
}

export function opaProbe({ url, path }: OpaConfig, required: boolean): Probe {
  const place = httpPlace(url, 'OPA_URL', 'OPA')
  return {
    name: 'opa',
    required,
    place,
    async look(signal) {
      await reachHttp(place, signal)
      const health = await askHttp(place, '/health', signal)
      if (health.status !== 200) throw refusal(health, '/health', 'the access rules of OPA', place)
      const answer = await askHttp(place, path, signal, { input: sample })
      if (answer.status !== 200) throw refusal(answer, path, 'the access rules of OPA', place)
      if ((Object(answer.json) as { result?: unknown }).result === undefined) {
        throw new Trouble(
          'misconfigured',
          `${at(place)} answers, but there is no decision at ${path} (POLICY_DATA_PATH)`,
          'Load a policy that decides there, for a start infra/policy/opa/soma.rego, or correct POLICY_DATA_PATH.',
        )
      }
      return `OPA, decides at ${path}`
    },
  }
}
