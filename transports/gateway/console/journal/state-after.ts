import type { ConversationEvent, JournalEntry, Usage } from '../api/answers.ts'

/** What a session is after one of its events, as its public events tell it. */
export interface StateAfter {
  readonly state: 'idle' | 'running' | 'paused' | 'deleted'
  readonly persona: string
  /** Turns accepted and not yet started. */
  readonly queued: readonly string[]
  readonly turnId: string | undefined
  /** Of the running turn; 0 before the model is called. */
  readonly step: number
  readonly attempt: number
  /** Tool calls without a result, `name (id)`. */
  readonly calls: readonly string[]
  readonly stepMode: boolean
  readonly held: string | undefined
  readonly turnsDone: number
  readonly tokens: number
  readonly costUsd: number
}

export const unborn: StateAfter = {
  state: 'idle',
  persona: '',
  queued: [],
  turnId: undefined,
  step: 0,
  attempt: 0,
  calls: [],
  stepMode: false,
  held: undefined,
  turnsDone: 0,
  tokens: 0,
  costUsd: 0,
}

/** Total: an event that it does not know changes nothing. */
export function evolved(before: StateAfter, { type, metadata }: ConversationEvent): StateAfter {
  switch (type) {
    case 'session.started':
    case 'session.persona':
      return { ...before, persona: metadata.persona_id }
    case 'user.message':
      return { ...before, queued: [...before.queued, metadata.turn_id] }
    case 'turn.started':
      return {
        ...before,
        ...{ state: before.state === 'paused' ? 'paused' : 'running', turnId: metadata.turn_id, step: 0, attempt: 0 },
        queued: before.queued.filter((turn) => turn !== metadata.turn_id),
      }
    case 'assistant.started':
    case 'assistant.restarted':
      return { ...before, step: metadata.step, attempt: metadata.attempt ?? 1, held: undefined }
    case 'assistant.thinking':
      return { ...before, ...spent(before, metadata.usage) }
    case 'tool.start':
      return { ...before, calls: [...before.calls, `${metadata.tool_name} (${metadata.call_id})`], held: undefined }
    case 'tool.result':
      return { ...before, calls: before.calls.filter((call) => !call.endsWith(`(${metadata.call_id})`)) }
    case 'assistant.final':
      return ended(before, metadata.turn_id)
    case 'session.paused':
      return { ...before, state: 'paused' }
    case 'session.resumed':
      return { ...before, state: before.turnId === undefined ? 'idle' : 'running' }
    case 'session.step_mode':
      return { ...before, stepMode: metadata.on, held: metadata.on ? before.held : undefined }
    case 'step.held':
      return {
        ...before,
        held: metadata.before === 'call' ? `before call ${metadata.call_id}` : 'before the model call',
      }
    case 'step.released':
      return { ...before, held: undefined }
    case 'session.reset':
      return { ...unborn, persona: before.persona, tokens: before.tokens, costUsd: before.costUsd }
    case 'session.deleted':
      return { ...before, state: 'deleted' }
    default:
      return before
  }
}

function ended(before: StateAfter, turnId: string): StateAfter {
  const queued = before.queued.filter((turn) => turn !== turnId)
  const turnsDone = before.turnsDone + 1
  // A turn may be stopped while it waits.
  if (before.turnId !== turnId) return { ...before, queued, turnsDone }
  const state = before.state === 'running' ? 'idle' : before.state
  return { ...before, state, queued, turnsDone, turnId: undefined, step: 0, attempt: 0, calls: [], held: undefined }
}

function spent({ tokens, costUsd }: StateAfter, usage?: Usage): Pick<StateAfter, 'tokens' | 'costUsd'> {
  if (!usage) return { tokens, costUsd }
  return {
    tokens: tokens + usage.prompt_tokens + usage.completion_tokens,
    costUsd: costUsd + usage.cost_usd,
  }
}

const EVERY = 256

/** States along a journal that only grows: kept at every 256th event, folded from there. */
export class StateTrail {
  readonly #kept: StateAfter[] = [unborn]

  /** The state that `entries[index]` left; -1: before the first. */
  at(entries: readonly JournalEntry[], index: number): StateAfter {
    for (let kept = this.#kept.length; kept <= Math.floor((index + 1) / EVERY); kept++) {
      this.#kept[kept] = folded(entries, this.#kept[kept - 1] as StateAfter, (kept - 1) * EVERY, kept * EVERY)
    }
    const from = Math.floor((index + 1) / EVERY)
    return folded(entries, this.#kept[from] as StateAfter, from * EVERY, index + 1)
  }
}

function folded(entries: readonly JournalEntry[], start: StateAfter, from: number, to: number): StateAfter {
  let state = start
  for (let at = from; at < to; at++) state = evolved(state, (entries[at] as JournalEntry).payload)
  return state
}
