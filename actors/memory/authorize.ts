import type { Clock } from '../kernel/clock.ts'
import { asFailure, Failure } from '../kernel/failure.ts'
import type { Policy, PolicyDecision } from '../kernel/policy.ts'
import { inTime } from './in-time.ts'
import type { MemoryCaller } from './memory.ts'

const TIMEOUT_MS = 5_000
const MAX_REASON = 500

export interface WriteAsked {
  readonly operation: 'remember' | 'forget'
  readonly namespace: string
  readonly keys: readonly string[]
  readonly universe?: string
  readonly tags?: readonly string[]
}

/**
 * I10: the decision that a change of memory needs. Rejects with MEMORY_DENIED, or with POLICY_UNAVAILABLE when there is
 * none in time or it is not one: that is no denial, but nothing is written either. The text itself is not given to policy.
 */
export async function authorizeWrite(
  policy: Policy,
  { operation, namespace, ...asked }: WriteAsked,
  { tenant, personaId = '', role, sessionId, signal }: MemoryCaller,
  clock: Clock,
): Promise<PolicyDecision> {
  const expiry = new AbortController()
  const input = {
    tenant,
    persona_id: personaId,
    action: 'memory.write' as const,
    resource: namespace,
    context: { args: { operation, ...asked }, metadata: { role, session_id: sessionId ?? null } },
  }
  const within = signal ? AbortSignal.any([signal, expiry.signal]) : expiry.signal
  let decision: PolicyDecision | 'late'
  try {
    decision = await inTime(clock, TIMEOUT_MS, policy.decide(input, within))
  } catch (error) {
    throw new Failure('POLICY_UNAVAILABLE', asFailure(error).detail, { cause: error, retryAfter: 1 })
  }
  if (decision === 'late') {
    expiry.abort(new DOMException('policy timed out', 'TimeoutError'))
    throw new Failure('POLICY_UNAVAILABLE', `policy did not answer within ${TIMEOUT_MS} ms.`, { retryAfter: 1 })
  }
  const { id, allow, reason, policy: by } = decision ?? {}
  // Policies may be services: only a literal `true` lets anything be written.
  if (typeof id !== 'string' || typeof reason !== 'string' || typeof by !== 'string' || typeof allow !== 'boolean') {
    throw new Failure('POLICY_UNAVAILABLE', 'policy answered with something else.', { retryAfter: 1 })
  }
  if (!allow) throw new Failure('MEMORY_DENIED', `Policy denies it: ${reason.slice(0, MAX_REASON)}`)
  return { id, allow, reason: reason.slice(0, MAX_REASON), policy: by.slice(0, MAX_REASON) }
}
