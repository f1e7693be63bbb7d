import type { Clock } from '../actors/kernel/clock.ts'
import { pause } from '../actors/kernel/pause.ts'
import type { WatchedActorSystem } from './actor-system.ts'
import type { Lane } from './lane.ts'

const LOOK_MS = 20

/**
 * A drain lets busy actors go on for their kind's `finishMs`: a tool that is not idempotent would otherwise end in
 * UNKNOWN. What they tell themselves still reaches them, and what they send is journaled for after the start.
 */
export function letFinish(
  lanes: Iterable<Lane>,
  { clock, system }: { readonly clock: Clock; readonly system: WatchedActorSystem },
): Promise<void> | undefined {
  const from = clock.now()
  const isBusy = ({ kind, ref, status }: Lane) => {
    if (status !== 'active' || ref === undefined || clock.now() - from >= (kind.finishMs ?? 0)) return false
    const resting = system.restingState(ref)
    return resting === undefined || !(kind.isIdle(resting.state) || kind.isWaiting?.(resting.state))
  }
  const all = [...lanes]
  const wait = async () => {
    while (all.some(isBusy)) await pause(clock, LOOK_MS)
  }
  return all.some(isBusy) ? wait() : undefined
}

/** Waits for the work, but no longer than the bound. */
export async function within(boundMs: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  let cancel = () => {}
  const bound = new Promise<void>((resolve) => {
    cancel = clock.after(boundMs, resolve)
  })
  await Promise.race([work, bound])
  cancel()
}
