import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { asDatabaseFailure } from '../database-failure.ts'

const MAX_KEPT = 10_000

/**
 * Questions to one server of several that must not hold up what the others keep. Who says nothing in time is taken at its
 * last word, and for a moment not waited for again. Only for what may be a little old: its writes are fenced elsewhere.
 */
export class LastAnswers<Answer> {
  private readonly name: string
  private readonly waitMs: number
  private readonly clock: Clock
  private readonly log: Logger
  private readonly answers = new Map<string, Answer>()
  private readonly pending = new Map<string, Promise<Answer>>()
  private silentUntil = 0

  constructor(name: string, waitMs: number, clock: Clock, log: Logger) {
    this.name = name
    this.waitMs = waitMs
    this.clock = clock
    this.log = log
  }

  /** Rejects with JOURNAL_UNAVAILABLE when the server is silent and never answered this question before. */
  async ask(key: string, question: () => Promise<Answer>): Promise<Answer> {
    try {
      // Not asked at all for a moment: questions to a silent server pile up in its pool (I9).
      if (this.clock.now() < this.silentUntil) throw new Error('it was silent a moment ago')
      return await withinTime(this.asked(key, question), this.waitMs, this.clock)
    } catch (error) {
      const kept = this.answers.get(key)
      if (this.clock.now() >= this.silentUntil) {
        this.silentUntil = this.clock.now() + 2 * this.waitMs
        this.log.warn({ server: this.name, error: String(error) }, 'a journal server is silent; its last answers stand')
      }
      if (kept === undefined) throw asDatabaseFailure(error)
      return kept
    }
  }

  /** What a write of our own changed in it: else its last answer would deny, during a silence, what was just taken. */
  amend(key: string, change: (kept: Answer) => Answer): void {
    const kept = this.answers.get(key)
    if (kept !== undefined) this.answers.set(key, change(kept))
  }

  /** One question of a kind at a time; a late answer ends the silence. */
  private asked(key: string, question: () => Promise<Answer>): Promise<Answer> {
    const pending = this.pending.get(key)
    if (pending) return pending
    const answer = question()
      .then((fresh) => this.keep(key, fresh))
      .finally(() => this.pending.delete(key))
    this.pending.set(key, answer)
    return answer
  }

  private keep(key: string, answer: Answer): Answer {
    this.silentUntil = 0
    this.answers.delete(key)
    this.answers.set(key, answer)
    const [oldest] = this.answers.keys()
    if (this.answers.size > MAX_KEPT && oldest !== undefined) this.answers.delete(oldest)
    return answer
  }
}

export function withinTime<Answer>(answer: Promise<Answer>, ms: number, clock: Clock): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)))
    answer.then(resolve, reject).finally(cancel)
  })
}
