import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Usage } from '../journal.ts'
import { LastAnswers } from './last-answer.ts'
import type { JournalServer } from './open-spread.ts'

/** A turn waits for it. */
const WAIT_MS = 250

type Spent = Awaited<ReturnType<Usage['spent']>>

/**
 * Usage is written with the append that caused it, so a tenant's day is a sum over servers. Of one that is silent its last
 * word counts, or nothing: it spends nothing either while it is, and a budget is no reason to stop the others’ sessions.
 */
export class SpreadUsage implements Usage {
  private readonly servers: readonly { readonly usage: Usage; readonly last: LastAnswers<Spent> }[]

  constructor(servers: readonly JournalServer[], clock: Clock, log: Logger) {
    this.servers = servers.map(({ name, usage }) => ({ usage, last: new LastAnswers(name, WAIT_MS, clock, log) }))
  }

  async spent(tenant: string, day: string, personaId?: string): Promise<Spent> {
    const key = JSON.stringify([tenant, day, personaId])
    const outcomes = await Promise.allSettled(
      this.servers.map(({ usage, last }) => last.ask(key, () => usage.spent(tenant, day, personaId))),
    )
    const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed && answers.length === 0) throw failed.reason
    return answers.reduce((sum, { tokens, costMicros }) => ({
      tokens: sum.tokens + tokens,
      costMicros: sum.costMicros + costMicros,
    }))
  }
}
