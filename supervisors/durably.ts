import type { Clock } from '../actors/kernel/clock.ts'
import { pause } from '../actors/kernel/pause.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import { delay } from './restart-policy.ts'

const backoff = { baseMs: 100, maxMs: 5_000, jitter: 0 }

/**
 * Writes until it is written. What waits for it stays unsettled in its mailbox meanwhile, so giving up at a drain
 * (`isOver`) loses nothing. Resolves to whether it was written.
 */
export async function durably(
  what: string,
  write: () => Promise<unknown>,
  parts: { readonly clock: Clock; readonly log: Logger; readonly isOver: () => boolean },
): Promise<boolean> {
  for (let attempt = 1; !parts.isOver(); attempt++) {
    try {
      await write()
      return true
    } catch (error) {
      parts.log.warn({ err: error, attempt }, `could not ${what}; tries again`)
      await pause(parts.clock, delay(backoff, attempt, 0))
    }
  }
  return false
}
