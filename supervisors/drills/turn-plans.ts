import type { Chance } from './chance.ts'
import type { DrillTool } from './drill-tools.ts'

/** One message of a drill: a script for the model rehearsal/script, and how many tool calls it makes. */
export interface TurnPlan {
  readonly key: string
  readonly text: string
  readonly calls: number
}

/** Turns of every shape, so that at any moment some are in each phase. */
export function planTurn(key: string, chance: Chance): TurnPlan {
  let calls = 0
  const call = (tool: DrillTool) =>
    `call ${tool} ${JSON.stringify({ key: `${key}/${calls++}`, ms: chance.between(20, 400) })}`
  const stream = () => `stream ${chance.between(5, 20)} ${chance.between(10, 40)} the answer to ${key}, word by word`
  const plans: readonly (() => readonly string[])[] = [
    () => [`say ${key}`],
    () => [stream()],
    () => [`wait ${chance.between(50, 300)}`, `say ${key}`],
    () => [call('drill_once'), 'then', `say ${key}`],
    () => [call('drill_again'), 'then', stream()],
    () => [call('drill_checked'), 'then', `say ${key}`],
    () => [call('drill_once'), call('drill_again'), call('drill_once'), 'then', `say ${key}`],
    () => [stream(), call('drill_once'), 'then', call('drill_checked'), 'then', stream()],
  ]
  const text = chance.pick(plans)().join('\n')
  return { key, text, calls }
}
