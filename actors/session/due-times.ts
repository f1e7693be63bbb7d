import { Cron } from 'croner'
import { Failure } from '../kernel/failure.ts'
import type { When } from './protocol.ts'

/**
 * When a timer is due (pure). A cron pattern has five fields and a time zone, in whose wall clock it is meant: a time that a
 * clock change leaves out comes an hour later that day, and one that it repeats comes once, the first time; a pattern for every
 * so many minutes goes on through both.
 */

/** Missed times are counted up to here; beyond it nobody cares how many. */
export const MAX_MISSED = 1_000
const LOOKED_AT = 24

/** Throws TOOL_ARGUMENTS, which says what is wrong. */
export function whenOf(text: string, timeZone: string | undefined): When {
  const written = text.trim()
  const zone = timeZone ?? 'UTC'
  if (!isTimeZone(zone)) {
    throw new Failure('TOOL_ARGUMENTS', `"${zone}" is no time zone; use an IANA name such as "Europe/Berlin".`)
  }
  try {
    if (/^\d{4}-\d\d-\d\dT/.test(written)) {
      const at = new Cron(written, { timezone: zone }).nextRun(new Date(0))?.getTime()
      if (at === undefined) throw new Error('it never comes')
      return { at }
    }
    const cron = new Cron(written, { timezone: zone, mode: '5-part' })
    if (!cron.nextRun(new Date(0))) throw new Error('it never comes')
    return { cron: written, timeZone: zone }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const takes = 'an ISO time such as 2026-05-01T09:00:00 or a cron pattern of five fields such as "0 9 * * 1-5"'
    throw new Failure(
      'TOOL_ARGUMENTS',
      `"${written.slice(0, 100)}" is no time to wait for (${why}). It takes ${takes}.`,
    )
  }
}

/** The first time after that moment; undefined when there is none. Epoch milliseconds. */
export function dueAfter(when: When, after: number): number | undefined {
  if ('at' in when) return when.at > after ? when.at : undefined
  return patternOf(when).nextRun(new Date(after))?.getTime()
}

/** Times after `due` that have passed by now, at most MAX_MISSED, and the one that comes next. */
export function passedSince(when: When, due: number, now: number): { readonly missed: number; readonly next?: number } {
  if ('at' in when) return { missed: 0 }
  const pattern = patternOf(when)
  let missed = 0
  let next = pattern.nextRun(new Date(due))
  while (next && next.getTime() <= now && missed < MAX_MISSED) {
    missed++
    next = pattern.nextRun(next)
  }
  if (missed === MAX_MISSED) next = pattern.nextRun(new Date(now))
  return { missed, ...(next && { next: next.getTime() }) }
}

/** The least time between two of the next times of a pattern, in milliseconds. */
export function shortestInterval(when: When, from: number): number {
  if ('at' in when) return Number.POSITIVE_INFINITY
  const pattern = patternOf(when)
  let shortest = Number.POSITIVE_INFINITY
  let last = pattern.nextRun(new Date(from))
  for (let n = 0; last && n < LOOKED_AT; n++) {
    const next = pattern.nextRun(last)
    if (next) shortest = Math.min(shortest, next.getTime() - last.getTime())
    last = next
  }
  return shortest
}

function patternOf({ cron, timeZone }: Extract<When, { cron: string }>): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-part' })
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name })
    return true
  } catch {
    return false
  }
}
