/** Milliseconds since the epoch: what a drill does is compared with the journal's own times. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now()
}
