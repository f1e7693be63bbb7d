import type { PolicyDecision } from '../actors/kernel/policy.ts'
import type { RequeuedCall } from './requeued-calls.ts'

export type DeniedCall = Omit<RequeuedCall, 'resolution'>

/** A denied call, of the first and the last event of its journal; undefined when it was not denied. */
export function deniedCall(accepted: unknown, finished: unknown, deniedAt: number): DeniedCall | undefined {
  const { invocation } = accepted as { invocation?: DeniedCall }
  const { decision } = (finished as { outcome?: { decision?: PolicyDecision } }).outcome ?? {}
  if (invocation === undefined || decision === undefined || decision.allow) return undefined
  const { callId, tenant, sessionId, personaId, tool, args, metadata } = invocation
  return { callId, tenant, sessionId, personaId, tool, args, metadata, decision, deniedAt }
}
