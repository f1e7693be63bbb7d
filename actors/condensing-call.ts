import type { ModelChoice, ModelRequest } from '../transports/model/client.ts'
import type { ActorRecipe } from './kernel/actor.ts'
import { asFailure, Failure } from './kernel/failure.ts'
import { Answer } from './model-call.ts'
import type { ModelReply } from './session/commands.ts'

/** One call of a model that condenses a history: a temporary child, beside the turns of its session, without previews. */
export interface CondensingCall {
  readonly choice: ModelChoice
  readonly request: ModelRequest
  /** Throws BUDGET_EXCEEDED when the tenant's or persona's day is spent. */
  readonly checkBudget: () => Promise<void>
  /** Told exactly one of the two, unless it is stopped. */
  readonly reply: (reply: ModelReply) => void
  readonly failed: (failure: Failure) => void
}

export function condensingCallRecipe(call: CondensingCall): ActorRecipe<never, void> {
  return {
    type: 'condensing-call',
    capacity: 1,
    start(context) {
      const expiry = new AbortController()
      const { clock, signal } = context
      const stopClock = clock.after(Math.max(0, call.request.deadline - clock.now()), () => expiry.abort())
      void run(call, AbortSignal.any([signal, expiry.signal]), signal).finally(() => {
        stopClock()
        context.stopSelf()
      })
    },
    receive() {},
  }
}

async function run(call: CondensingCall, signal: AbortSignal, stopped: AbortSignal): Promise<void> {
  const answer = new Answer()
  try {
    await call.checkBudget()
    for await (const chunk of call.choice.client.stream(call.request, signal)) {
      if (signal.aborted) break
      answer.add(chunk)
    }
    if (stopped.aborted) return
    if (signal.aborted) call.failed(late())
    else call.reply(answer.reply(call.choice))
  } catch (error) {
    if (!stopped.aborted) call.failed(signal.aborted ? late() : asFailure(error))
  }
}

function late(): Failure {
  return new Failure('MODEL_UNAVAILABLE', 'the model did not answer in time')
}
