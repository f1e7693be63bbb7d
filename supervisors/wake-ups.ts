import { inNoContext } from '../actors/kernel/message-context.ts'
import type { Incarnation } from './incarnation.ts'
import { dispatch } from './nact.ts'

/**
 * Incarnations with something to do, dispatched together after the code that told them. Leaving the teller's asynchronous
 * context costs 100 ns, and nact keeps that context for all an actor does: so it is left once for all of them.
 */
export class WakeUps {
  private due: Incarnation[] = []
  private readonly flush = () => {
    const due = this.due
    this.due = []
    for (const incarnation of due) dispatch(incarnation.nact, incarnation)
  }

  add(incarnation: Incarnation): void {
    if (this.due.push(incarnation) === 1) inNoContext(queueMicrotask, this.flush)
  }
}
