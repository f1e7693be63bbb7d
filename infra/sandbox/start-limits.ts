import { readFileSync } from 'node:fs'

/**
 * How long a capsule may take to load its interpreter. By the clock alone the limit would end those that do well on a
 * machine with too much to do (seen at a load of 38: 54 s for the 2.1 s of work of a first Python), and start the same
 * work again from nothing. So what counts is the processor time that it got; the clock ends it only when it gets none, or
 * when whoever waits for it cannot wait longer.
 */
export interface StartLimits {
  /** Processor time. A tenth of this is usual. */
  readonly cpuMs: number
  /** Without any progress of it. At a load of a thousand this much of the clock still brings tens of milliseconds. */
  readonly stillMs: number
  /** By the clock, whatever it does; below what code_execute leaves for a start. */
  readonly wallMs: number
}

export const startLimits: StartLimits = { cpuMs: 30_000, stillMs: 20_000, wallMs: 100_000 }

/** What was seen of a start so far. */
export interface Look {
  readonly wallMs: number
  /** Undefined where the system does not tell: the clock alone counts there. */
  readonly cpuMs: number | undefined
  /** Since it was first seen to have had so much processor time. */
  readonly stillMs: number
}

/** In words why it is given up, or undefined to go on waiting. */
export function givenUp({ wallMs, cpuMs, stillMs }: Look, limits: StartLimits): string | undefined {
  if (wallMs >= limits.wallMs) return `it was not ready after ${limits.wallMs} ms`
  if (cpuMs === undefined) return undefined
  if (cpuMs >= limits.cpuMs) return `it was not ready after ${limits.cpuMs} ms of processor time`
  if (stillMs >= limits.stillMs) return `it stood still for ${limits.stillMs} ms, before it was ready`
  return undefined
}

/** The clock's ticks of /proc: 100 a second wherever Linux runs Node. */
const TICK_MS = 10
/** The shells of an enclosure and its interpreter are four deep at most; whatever is deeper is none of it. */
const DEPTH = 5

/** Of a process and its children, dead ones that were waited for included; undefined where there is no such /proc. */
export function processorMs(pid: number, depth = DEPTH): number | undefined {
  try {
    // Behind the name, in parentheses, which may hold anything: state is the third field, utime to cstime 14 to 17.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)
    if (depth === 0) return own
    return children.reduce((sum, child) => sum + (processorMs(Number(child), depth - 1) ?? 0), own)
  } catch {
    return undefined
  }
}
