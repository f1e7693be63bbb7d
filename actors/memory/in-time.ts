import type { Clock } from '../kernel/clock.ts'

/** What the promise brings, or `late` when it takes longer. The work itself is not ended. */
export async function inTime<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | 'late'> {
  let cancel = () => {}
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.after(ms, () => resolve('late'))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
  }
}
