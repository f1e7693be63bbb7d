import { randomUUID } from 'node:crypto'
import type { Clock, Ids } from '../actors/kernel/clock.ts'

/** setTimeout turns anything longer (24.8 days) into one millisecond, so a longer delay is slept in stages. */
const LONGEST_SLEEP = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    let left = Math.max(0, delayMs)
    let timer: NodeJS.Timeout
    const sleep = () => {
      const stage = Math.min(left, LONGEST_SLEEP)
      left -= stage
      timer = setTimeout(left > 0 ? sleep : task, stage)
      timer.unref()
    }
    sleep()
    return () => clearTimeout(timer)
  },
}

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  random: () => Math.random(),
}
