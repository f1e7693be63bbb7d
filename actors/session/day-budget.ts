import type { Usage } from '../../persistence/journal.ts'
import { Failure } from '../kernel/failure.ts'
import type { Persona } from '../persona.ts'
import { smallestLimit } from './limits.ts'
import type { SessionState } from './state.ts'

/** What a tenant's persona may still spend today; turns and sessions are bounded by the behaviour itself (turn.ts). */
export interface DayBudgetParts {
  readonly usage: Usage
  /** Tokens a tenant's persona may use per UTC day; 0 = no limit (infra/tenants.ts). */
  readonly dailyTokenLimit: (tenant: string, personaId: string) => number
}

export async function checkDayBudget(
  state: Pick<SessionState, 'tenant' | 'personaId'>,
  persona: Persona,
  now: number,
  parts: DayBudgetParts,
): Promise<void> {
  const { tenant, personaId } = state
  const tokens = smallestLimit(persona.limits.tokensPerDay, parts.dailyTokenLimit(tenant, personaId))
  const dollars = persona.limits.dollarsPerDay
  if (tokens === 0 && dollars === 0) return
  const spent = await parts.usage.spent(tenant, dayOf(now), personaId)
  if (tokens > 0 && spent.tokens >= tokens) {
    throw new Failure(
      'BUDGET_EXCEEDED',
      `tenant ${tenant}, persona ${personaId}: ${spent.tokens} of ${tokens} tokens of today are used`,
    )
  }
  if (dollars > 0 && spent.costMicros >= dollars * 1e6) {
    throw new Failure('BUDGET_EXCEEDED', `tenant ${tenant}, persona ${personaId}: today’s ${dollars} dollars are used`)
  }
}

export function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
}
