import type { Models } from '../../transports/model/client.ts'
import { condensingCallRecipe } from '../condensing-call.ts'
import type { Failure } from '../kernel/failure.ts'
import type { Scope } from '../kernel/journaled-kind.ts'
import type { Personas } from '../persona.ts'
import type { Command } from './commands.ts'
import { boundedSummary, condensationDue, condensingRequest } from './condensing.ts'
import { checkDayBudget, type DayBudgetParts } from './day-budget.ts'
import type { SessionState } from './state.ts'

export interface CondenserParts extends DayBudgetParts {
  readonly personas: Personas
  readonly models: Models
}

const WITHIN_MS = 120_000

/** What one activation does about a history that grows too long (condensing.ts): one call at a time, as a child of the session. */
export class Condenser {
  readonly #parts: CondenserParts
  #busy = false

  constructor(parts: CondenserParts) {
    this.#parts = parts
  }

  /** At the end of a turn. The child dies with the activation; another turn's end begins anew. */
  consider(scope: Scope<SessionState, Command>): void {
    if (this.#busy) return
    const state = scope.state()
    const { personas, models } = this.#parts
    const persona = personas.get(state.personaId) ?? personas.get(personas.defaultId)
    const choice = persona && models.choose(persona.model.role, persona.model.name)
    if (!persona || !choice) return
    const of = condensationDue(state, persona, choice.contextTokens)
    if (!of) return
    this.#busy = true
    const now = scope.context.clock.now()
    const tag = `${scope.address}/condensed/${scope.seq()}`
    const span = scope.startSpan('model.call')
    const told = (command: Command, code?: string) => {
      this.#busy = false
      span.end(code)
      scope.tellSelf(command, tag, span.trace)
    }
    const request = { ...condensingRequest(state, of, choice, now + WITHIN_MS), traceparent: span.trace.traceparent }
    const recipe = condensingCallRecipe({
      choice,
      request,
      checkBudget: () => checkDayBudget(state, persona, now, this.#parts),
      reply: ({ text, model, usage }) =>
        told({ kind: 'Condensed', of, summary: boundedSummary(text, choice.contextTokens), model, usage }),
      failed: ({ code, detail }: Failure) => told({ kind: 'CondensingFailed', of, code, detail }, code),
    })
    scope.context.spawn(`condensing-${scope.seq()}`, recipe)
  }
}
