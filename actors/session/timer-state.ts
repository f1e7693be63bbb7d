import type { TimerChange } from '../../persistence/timers.ts'
import type { SessionEvent } from './events.ts'
import type { SessionState } from './state.ts'

/** How the events of timers fold, and what of them is written beside the journal (D1 of timers.ts). */

/** How the table changes with these events. */
export function timerChanges(state: SessionState, events: readonly SessionEvent[]): { timers?: TimerChange[] } {
  const { tenant } = state
  const timers = events.flatMap((event): TimerChange[] => {
    if (event.kind === 'Scheduled') return [{ timerId: event.timer.timerId, tenant, due: event.timer.due }]
    if (event.kind === 'ScheduleFired') return [{ timerId: event.timerId, tenant, due: event.next ?? null }]
    if (event.kind === 'ScheduleCancelled') return [{ timerId: event.timerId, tenant, due: null }]
    return []
  })
  return timers.length === 0 ? {} : { timers }
}

type TimerEvent = Extract<SessionEvent, { kind: 'Scheduled' | 'ScheduleFired' | 'ScheduleCancelled' }>

export function timersAfter(state: SessionState, event: TimerEvent): SessionState {
  const { timers = {} } = state
  if (event.kind === 'Scheduled') return { ...state, timers: { ...timers, [event.timer.timerId]: event.timer } }
  const { [event.timerId]: timer, ...others } = timers
  if (!timer) return state
  if (event.kind === 'ScheduleCancelled' || event.next === undefined) return { ...state, timers: others }
  return { ...state, timers: { ...timers, [event.timerId]: { ...timer, due: event.next } } }
}
