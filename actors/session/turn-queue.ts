import type { Draft } from './draft.ts'
import type { TurnRequest } from './events.ts'
import type { SessionCommand } from './protocol.ts'

const QUEUE_MARGIN = 10

export function accept(draft: Draft, request: TurnRequest): void {
  const { personas } = draft.configuration
  const limit = (personas.get(draft.state.personaId) ?? personas.get(personas.defaultId))?.limits.queuedTurns ?? 0
  // Gateways refuse (429) at the limit, before they accept. What they accepted all the same, each not knowing of the
  // others or of its own last life, is still done; only beyond any such mistake is an accepted turn ended undone (I9).
  if (draft.state.queue.length >= limit * QUEUE_MARGIN) {
    draft.record({
      kind: 'UserTurnRejected',
      turnId: request.turnId,
      text: request.text,
      code: 'TURN_QUEUE_FULL',
      detail: `${draft.state.queue.length} turns wait already`,
    })
    return
  }
  const { trace } = draft.meta
  draft.record({ kind: 'UserTurnAccepted', ...request, ...(trace !== undefined && { trace }) })
  draft.startNextTurn()
}

type RefuseUserTurn = Extract<SessionCommand, { kind: 'RefuseUserTurn' }>

/** Of a turn that is known already nothing is said: its message came again, after what it names had changed. */
export function refuse(draft: Draft, { turnId, text, code, detail }: RefuseUserTurn): void {
  const { turn, queue, history } = draft.state
  const known = [turn?.request, ...queue, ...history].some((it) => it?.turnId === turnId)
  if (!known) draft.record({ kind: 'UserTurnRejected', turnId, text, code, detail })
}
