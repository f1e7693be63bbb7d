import type { ToolOutcome } from '../tool/protocol.ts'
import type { RecordedEvent } from './events.ts'

export interface NumberedEvent {
  readonly seq: number
  readonly at: number
  readonly event: RecordedEvent
}

/** What tools have answered in a session, to be found by what was asked: so a dry run need not run them. */
export class RecordedOutcomes {
  readonly #byCall = new Map<string, ToolOutcome>()
  readonly #byQuestion = new Map<string, { readonly seq: number; readonly outcome: ToolOutcome }[]>()
  readonly #at: number

  /** `at`: where the fork begins. Of several outcomes the first after it is meant, else the last before. */
  constructor(journal: readonly NumberedEvent[], at: number) {
    this.#at = at
    const questions = new Map<string, string>()
    for (const { seq, event } of journal) {
      if (event.kind === 'ToolCallStarted') questions.set(event.callId, questionOf(event.tool, event.args))
      if (event.kind !== 'ToolCallFinished' || event.outcome.status === 'cancelled') continue
      const question = questions.get(event.callId)
      if (question === undefined) continue
      this.#byCall.set(event.callId, event.outcome)
      const known = this.#byQuestion.get(question) ?? []
      this.#byQuestion.set(question, [...known, { seq, outcome: event.outcome }])
    }
  }

  find(callId: string, tool: string, args: unknown): ToolOutcome | undefined {
    const known = this.#byQuestion.get(questionOf(tool, args)) ?? []
    const best = known.find(({ seq }) => seq > this.#at) ?? known.at(-1)
    return best && (this.#ofSameCall(callId, known) ?? best.outcome)
  }

  /** A call that was in flight where the fork begins. */
  #ofSameCall(callId: string, known: readonly { readonly outcome: ToolOutcome }[]): ToolOutcome | undefined {
    const same = this.#byCall.get(callId)
    return known.some(({ outcome }) => outcome === same) ? same : undefined
  }
}

export function questionOf(tool: string, args: unknown): string {
  return `${tool} ${JSON.stringify(args, (_key, value) => (isRecord(value) ? sorted(value) : value)) ?? ''}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
