import type { Chance } from './chance.ts'
import type { DrillTool } from './drill-tools.ts'

/** One message of a drill: a script for the model rehearsal/script, and how many tool calls it makes. */
export interface TurnPlan {
  readonly key: string
  readonly text: string
  readonly calls: number
}

/** How long scripted work takes: long, so that a kill finds much in progress; short, so that recovery is what is timed. */
type Span = readonly [number, number]
interface Paces {
  readonly toolMs: Span
  readonly pieces: Span
  readonly pieceMs: Span
  readonly waitMs: Span
}
const paces: Readonly<Record<'long' | 'short', Paces>> = {
  long: { toolMs: [20, 400], pieces: [5, 20], pieceMs: [10, 40], waitMs: [50, 300] },
  short: { toolMs: [5, 60], pieces: [3, 8], pieceMs: [5, 15], waitMs: [10, 80] },
}

/** Turns of every shape, so that at any moment some are in each phase. */
export function planTurn(key: string, chance: Chance, pace: keyof typeof paces): TurnPlan {
  const { toolMs, pieces, pieceMs, waitMs } = paces[pace]
  let calls = 0
  const call = (tool: DrillTool) =>
    `call ${tool} ${JSON.stringify({ key: `${key}/${calls++}`, ms: chance.between(...toolMs) })}`
  const stream = () =>
    `stream ${chance.between(...pieces)} ${chance.between(...pieceMs)} the answer to ${key}, word by word`
  const plans: readonly (() => readonly string[])[] = [
    () => [`say ${key}`],
    () => [stream()],
    () => [`wait ${chance.between(...waitMs)}`, `say ${key}`],
    () => [call('drill_once'), 'then', `say ${key}`],
    () => [call('drill_again'), 'then', stream()],
    () => [call('drill_checked'), 'then', `say ${key}`],
    () => [call('drill_once'), call('drill_again'), call('drill_once'), 'then', `say ${key}`],
    () => [stream(), call('drill_once'), 'then', call('drill_checked'), 'then', stream()],
  ]
  const text = chance.pick(plans)().join('\n')
  return { key, text, calls }
}

/** What can be asked of any model, where the drill's tools and script are not to be had. */
export function plainTurn(key: string): TurnPlan {
  return { key, text: `say ${key}`, calls: 0 }
}
