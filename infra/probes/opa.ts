import type { OpaConfig } from '../config/config-services.ts'
import { askHttpOk, httpPlace, reachHttp } from './http.ts'
import { at, type Probe, Trouble } from './probe.ts'

const KEY = 'the access rules of OPA'

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
      await askHttpOk(place, '/health', KEY, signal)
      const answer = await askHttpOk(place, path, KEY, signal, { input: sample })
      if ((Object(answer) as { result?: unknown }).result === undefined) {
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
