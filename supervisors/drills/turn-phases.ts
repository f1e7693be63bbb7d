import type { ConversationEvent } from '../../transports/outbound.ts'
import type { ToolMark } from './ledger.ts'
import { keyOf } from './public-events.ts'

/**
 * Where each turn is, as the drill sees it from outside: on the streams, in the answers to its posts, and in the tools'
 * ledger. So a kill can aim at a phase, and the report can say what the kills hit.
 */
export const phases = [
  /** 2xx given; the session may not even have read it. */
  'accepted',
  /** Accepted while an earlier turn of its session is open. */
  'queued',
  'model called',
  'model streaming',
  /** The model's tool calls are journaled; their invocations leave the outbox about now. */
  'calls in outbox',
  'tool running, once only',
  'tool running, repeatable',
  'tools running, parallel',
  /** The tool finished; its result is on the way to the session through journal and outbox. */
  'tool done',
  'result journaled',
  'answered',
] as const
export type Phase = (typeof phases)[number]

interface Turn {
  readonly sessionId: string
  phase: Phase
  readonly running: Set<string>
}

export class TurnPhases {
  readonly #open = new Map<string, Turn>()
  readonly #waiting = new Map<Phase, (() => void)[]>()
  readonly #answered = new Set<string>()
  /** Turn ids by the key that the message carries and its tool calls begin with. */
  readonly #turnIds = new Map<string, string>()

  accepted(sessionId: string, turnId: string, key: string): void {
    this.#turnIds.set(key, turnId)
    if (this.#open.has(turnId) || this.#answered.has(turnId)) return
    const behind = [...this.#open.values()].some((turn) => turn.sessionId === sessionId)
    this.#enter(sessionId, turnId, behind ? 'queued' : 'accepted')
  }

  event(event: ConversationEvent): void {
    const turnId = event.metadata.turn_id
    if (typeof turnId !== 'string') return
    const key = keyOf(event)
    if (key !== undefined) this.#turnIds.set(key, turnId)
    const phase = phaseOf(event)
    if (phase) this.#enter(event.session_id, turnId, phase)
  }

  mark({ mark, callId, key, idempotent }: ToolMark): void {
    const turnId = this.#turnIds.get(key.split('/')[0] ?? '') ?? ''
    const turn = this.#open.get(turnId)
    if (!turn) return
    const { sessionId } = turn
    if (mark === 'done') {
      turn.running.delete(callId)
      if (turn.running.size === 0) this.#enter(sessionId, turnId, 'tool done')
      return
    }
    turn.running.add(callId)
    this.#enter(sessionId, turnId, idempotent ? 'tool running, repeatable' : 'tool running, once only')
    if (turn.running.size > 1) this.#enter(sessionId, turnId, 'tools running, parallel')
  }

  /** No tool runs any more. */
  killed(): void {
    for (const turn of this.#open.values()) turn.running.clear()
  }

  /** How many turns are in each phase now. */
  counts(): Map<Phase, number> {
    const counts = new Map<Phase, number>()
    for (const { phase } of this.#open.values()) counts.set(phase, (counts.get(phase) ?? 0) + 1)
    return counts
  }

  get open(): number {
    return this.#open.size
  }

  /** Resolves in the very turn of the event loop in which the next turn enters that phase. */
  reached(phase: Phase): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(phase) ?? []
      waiting.push(resolve)
      this.#waiting.set(phase, waiting)
    })
  }

  #enter(sessionId: string, turnId: string, phase: Phase): void {
    // A second reader tells of a turn that the first has seen the end of.
    if (this.#answered.has(turnId)) return
    if (phase === 'answered') {
      this.#open.delete(turnId)
      this.#answered.add(turnId)
    } else {
      const turn = this.#open.get(turnId) ?? { sessionId, phase, running: new Set() }
      turn.phase = phase
      this.#open.set(turnId, turn)
    }
    const waiting = this.#waiting.get(phase)
    this.#waiting.delete(phase)
    for (const resolve of waiting ?? []) resolve()
  }
}

function phaseOf({ type, metadata }: ConversationEvent): Phase | undefined {
  switch (type) {
    case 'assistant.started':
    case 'assistant.restarted':
      return 'model called'
    case 'assistant.stream':
      return 'model streaming'
    case 'assistant.thinking':
      return Array.isArray(metadata.tool_calls) && metadata.tool_calls.length > 0 ? 'calls in outbox' : undefined
    case 'tool.result':
      return 'result journaled'
    case 'assistant.final':
      return 'answered'
    default:
      return undefined
  }
}
