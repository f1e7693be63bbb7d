import type { Clock } from '../kernel/clock.ts'
import { asFailure } from '../kernel/failure.ts'
import type { Policy, PolicyDecision } from '../kernel/policy.ts'
import type { Verdict } from './behaviour.ts'
import type { Invocation } from './events.ts'
import type { Approval } from './protocol.ts'

const MAX_REASON = 500

/**
 * Asks policy about this call (I10). Never rejects. No answer, a late one or one that is not a decision is
 * `unavailable`, which is told apart from a denial: an operator mends the one and the user accepts the other.
 * Nothing in `metadata` can change the outcome: it is passed on for the rules to read, and read nowhere here. An approval is no
 * metadata: it stands in the Invoke of a session, which takes one only from an operator's resolution (docs/adr/0013).
 */
export async function authorize(
  policy: Policy,
  invocation: Invocation,
  args: unknown,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Verdict> {
  const expiry = new AbortController()
  let stopClock = () => {}
  const late = new Promise<Verdict>((resolve) => {
    stopClock = clock.after(timeoutMs, () => {
      resolve({ kind: 'unavailable', detail: `policy did not answer within ${timeoutMs} ms.` })
      expiry.abort(new DOMException('policy timed out', 'TimeoutError'))
    })
  })
  try {
    return await Promise.race([ask(policy, invocation, args, AbortSignal.any([signal, expiry.signal])), late])
  } finally {
    stopClock()
  }
}

async function ask(policy: Policy, invocation: Invocation, args: unknown, signal: AbortSignal): Promise<Verdict> {
  const { tenant, personaId, tool, metadata, approval } = invocation
  if (approval) return { kind: 'decision', decision: approvedBy(approval) }
  try {
    const decision = await policy.decide(
      { tenant, persona_id: personaId, action: 'tool.execute', resource: tool, context: { args, metadata } },
      signal,
    )
    if (!isDecision(decision)) return { kind: 'unavailable', detail: 'policy answered with something else.' }
    const { id, allow, reason, policy: by } = decision
    return { kind: 'decision', decision: { id, allow, reason: reason.slice(0, MAX_REASON), policy: by } }
  } catch (error) {
    return { kind: 'unavailable', detail: `${asFailure(error).detail.slice(0, MAX_REASON)}.`.replace(/\.\.$/, '.') }
  }
}

/** Whoever may resolve a denied call has decided; it is journaled like any decision, with the name and the reason. */
function approvedBy({ callId, by, why }: Approval): PolicyDecision {
  const reason = `${by} allowed the call that was denied as ${callId}: ${why}`.slice(0, MAX_REASON)
  return { id: `requeue:${callId}`, allow: true, reason, policy: 'operator' }
}

/** Implementations may be services: only a literal `true` lets anything run. */
function isDecision(value: unknown): value is PolicyDecision {
  if (typeof value !== 'object' || value === null) return false
  const { id, allow, reason, policy } = value as Record<string, unknown>
  return (
    typeof id === 'string' && typeof allow === 'boolean' && typeof reason === 'string' && typeof policy === 'string'
  )
}
