import { address } from '../kernel/address.ts'
import type { SettledOutcome } from '../tool/protocol.ts'
import type { Draft } from './draft.ts'
import { dueAfter, MAX_MISSED, passedSince, shortestInterval } from './due-times.ts'
import type { SessionCommand, Timer } from './protocol.ts'
import type { SessionState } from './state.ts'
import { accept } from './turn-queue.ts'

/**
 * Timers of a session.
 *   D1. A timer is in the journal, and its next time in a table that is written with it: so it is due whatever crashed.
 *   D2. A tick names its timer and the time for which it was due; it counts once, for that time, whoever sends it how often.
 *   D3. Times that passed while nobody could be told are one turn, which says how many they were.
 *   D4. How many timers a session has, how often one fires and how much it says are limited.
 */
export interface TimerLimits {
  readonly perSession: number
  readonly shortestMs: number
}

export const defaultTimerLimits: TimerLimits = { perSession: 32, shortestMs: 60_000 }
const FARTHEST_MS = 5 * 366 * 86_400_000

type Schedule = Extract<SessionCommand, { kind: 'Schedule' }>
type CancelTimer = Extract<SessionCommand, { kind: 'CancelTimer' }>

export function schedule(draft: Draft, command: Schedule): void {
  const { callId, when, message, name } = command
  const { now } = draft.meta
  const due = dueAfter(when, now)
  const refusal = refused(draft, command, due)
  if (refusal !== undefined || due === undefined) {
    answerAlone(draft, callId, { status: 'error', code: refusal?.[0] ?? 'TOOL_ARGUMENTS', output: refusal?.[1] ?? '' })
    return
  }
  const timerId = `t${draft.nextSeq}`
  const timer: Timer = { timerId, when, message, due, ...(name !== undefined && { name }) }
  draft.record({ kind: 'Scheduled', timer })
  settle(draft, callId, { status: 'success', output: `Set. ${described(timer)}` })
}

function refused(draft: Draft, { when, name }: Schedule, due: number | undefined): [string, string] | undefined {
  const { now } = draft.meta
  const { perSession, shortestMs } = draft.configuration.timers ?? defaultTimerLimits
  const timers = timersOf(draft.state)
  if (due === undefined) return ['TOOL_ARGUMENTS', `That time is over: it is ${iso(now)} now. Name one to come.`]
  if (due - now > FARTHEST_MS) return ['TOOL_ARGUMENTS', 'That is more than five years away. Name a nearer time.']
  if (timers.length >= perSession) {
    return ['SCHEDULE_LIMIT', `This session has ${perSession} timers, its limit. Cancel one first.`]
  }
  if (shortestInterval(when, now) < shortestMs) {
    return ['SCHEDULE_LIMIT', `A timer may fire every ${shortestMs / 1_000} s at the most. Choose a longer interval.`]
  }
  if (name !== undefined && timers.some((timer) => timer.name === name)) {
    return ['TOOL_ARGUMENTS', `There is a timer named "${name}" already. Cancel it first, or choose another name.`]
  }
  return undefined
}

export function listTimers(draft: Draft, callId: string): void {
  const timers = timersOf(draft.state)
  const output = timers.length === 0 ? 'No timer is set.' : timers.map(described).join('\n')
  answerAlone(draft, callId, { status: 'success', output })
}

export function cancelTimer(draft: Draft, { timer: wanted, callId, by }: CancelTimer): void {
  const timer = timersOf(draft.state).find(({ timerId, name }) => timerId === wanted || name === wanted)
  if (timer) {
    draft.record({ kind: 'ScheduleCancelled', timerId: timer.timerId, reason: by })
    if (callId !== undefined)
      settle(draft, callId, { status: 'success', output: `Cancelled. It was: ${described(timer)}` })
  } else if (callId !== undefined) {
    const known = timersOf(draft.state).map(({ timerId, name }) => name ?? timerId)
    const output = `There is no timer "${wanted}". Set are: ${known.join(', ') || 'none'}.`
    answerAlone(draft, callId, { status: 'error', code: 'TOOL_ARGUMENTS', output })
  }
}

/** A reset session wants nothing more of its past, and a deleted one nothing at all. */
export function cancelAll(draft: Draft, reason: string): void {
  for (const { timerId } of timersOf(draft.state)) draft.record({ kind: 'ScheduleCancelled', timerId, reason })
}

/** D2. */
export function tick(draft: Draft, timerId: string, due: number): void {
  const timer = draft.state.timers?.[timerId]
  if (!timer || timer.due !== due || draft.meta.now < due) return
  const { missed, next } = passedSince(timer.when, due, draft.meta.now)
  draft.record({ kind: 'ScheduleFired', timerId, due, missed, ...(next !== undefined && { next }) })
  accept(draft, {
    turnId: `${draft.sessionId}/${timerId}/${due}`,
    text: missed === 0 ? timer.message : `${timer.message}\n\n${missedNote(missed)}`,
    attachments: [],
    metadata: { timer: { id: timerId, due: iso(due), missed, ...(timer.name !== undefined && { name: timer.name }) } },
  })
}

/** D3. */
function missedNote(missed: number): string {
  const times =
    missed >= MAX_MISSED ? `at least ${MAX_MISSED} more times` : missed === 1 ? 'once more' : `${missed} more times`
  return `(This timer was due ${times} before it could be told; all of that is this one message.)`
}

type Words = Pick<SettledOutcome, 'status' | 'output' | 'code'>

/** An answer that changes nothing has an event all the same: the id of what is sent derives from one (I4). */
function answerAlone(draft: Draft, callId: string, words: Words): void {
  draft.record({ kind: 'TimersAnswered', callId })
  settle(draft, callId, words)
}

function settle(draft: Draft, callId: string, words: Words): void {
  const outcome: SettledOutcome = { ...words, finishedAt: draft.meta.now }
  draft.send({ to: address('tool', callId), body: { kind: 'Settle', v: 1, callId, outcome } })
}

function timersOf({ timers = {} }: SessionState): Timer[] {
  return Object.values(timers)
}

function described({ timerId, name, when, due, message }: Timer): string {
  const called = name === undefined ? timerId : `${timerId} "${name}"`
  const often = 'at' in when ? 'once' : `"${when.cron}" in ${when.timeZone}`
  const text = message.length > 100 ? `${message.slice(0, 100)}…` : message
  return `${called}: ${often}, next at ${iso(due)}: ${text}`
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
