import { Failure } from '../../actors/kernel/failure.ts'
import type { ConversationEvent, Preview } from '../outbound.ts'
import type { GatewayLimits } from './config.ts'
import { followSession, type StreamSources } from './stream.ts'

/** What a request that waits for its turn hears of it. */
export interface TurnListener {
  /** Partial text: cumulative within a step and attempt. */
  preview?(preview: Preview): void
  /** Every event of this turn but the last. */
  event?(event: ConversationEvent): void
}

export interface TurnWatch {
  /** The turn's one `assistant.final`. Rejects when it does not come within `turnWaitMs`; the turn goes on. */
  readonly final: Promise<ConversationEvent>
  close(): void
}

/** Lost announcements (possible between nodes only) are looked for this often. */
const CHECK_MS = 5_000

/**
 * Watches one turn. `from: 'live'` must be opened before the turn is sent, so that its first event cannot be missed
 * and nothing need be read; `from: 0` finds a turn that may have ended long ago.
 */
export function watchTurn(
  sources: StreamSources & { readonly limits: Pick<GatewayLimits, 'turnWaitMs'> },
  turn: { readonly sessionId: string; readonly turnId: string; readonly from: 'live' | 0 },
  listener: TurnListener = {},
): TurnWatch {
  const { promise, resolve, reject } = withResolvers<ConversationEvent>()
  const { clock, limits } = sources
  const stream = followSession(
    sources,
    { sessionId: turn.sessionId, after: turn.from, expecting: true },
    {
      event({ event }) {
        if (event.type === 'session.deleted') {
          settle(() => reject(new Failure('SESSION_DELETED', 'The session was deleted while its turn ran.')))
        }
        if (event.metadata.turn_id !== turn.turnId) return true
        if (event.type === 'assistant.final') settle(() => resolve(event))
        else listener.event?.(event)
        return true
      },
      preview(preview) {
        if (preview.turnId === turn.turnId) listener.preview?.(preview)
        return true
      },
      end: (failure) => settle(() => reject(failure)),
    },
  )
  let cancelCheck = clock.after(CHECK_MS, function check() {
    stream.check()
    cancelCheck = clock.after(CHECK_MS, check)
  })
  const cancelWait = clock.after(limits.turnWaitMs, () =>
    settle(() => reject(new Failure('ASK_TIMEOUT', 'The turn goes on; its answer will be in the session.'))),
  )
  function close(): void {
    cancelCheck()
    cancelWait()
    stream.close()
  }
  function settle(how: () => void): void {
    close()
    how()
  }
  // A request that is gone before its turn ends leaves nobody to hear the rejection.
  promise.catch(() => {})
  return { final: promise, close }
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
