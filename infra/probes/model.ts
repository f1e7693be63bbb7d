import type { ReachableModels } from '../../transports/model/models.ts'
import type { Found } from './probe.ts'

/** The models that a process has chosen, asked whether they are there; one finding for each role. */
export async function modelFindings(models: ReachableModels, required: boolean, now: () => number): Promise<Found[]> {
  const from = now()
  const endpoints = await models.probe()
  return endpoints.map(({ role, model, source, reachable, detail, remedy = '' }) => ({
    name: `model ${role}`,
    required,
    ok: reachable,
    detail: `${model}, ${source}: ${detail}`,
    remedy: reachable ? '' : remedy,
    ms: now() - from,
    address: source,
    variable: role === 'dialogue' ? 'OPENAI_BASE_URL' : 'SOMA_ESCALATION_BASE_URL',
    cause: reachable ? undefined : 'failed',
  }))
}
