import { setImmediate } from 'node:timers/promises'
import nact from 'nact'
import { silentLogger, silentMetrics } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { createActorSystem } from '../../supervisors/actor-system.ts'
import type { BenchRow } from './bench-row.ts'

/** A parent of many children that handles messages itself: nact copies the map of its children at each of them. */
const CHILDREN = 20_000
const MESSAGES = 1_000

const raw = nact as unknown as {
  start(): object
  spawn: CallableFunction
  dispatch: CallableFunction
  stop: CallableFunction
}

async function microseconds(ask: (done: () => void) => void): Promise<string> {
  await new Promise<void>((resolve) => ask(resolve)) // the children have begun
  await setImmediate()
  const started = process.hrtime.bigint()
  for (let n = 0; n < MESSAGES; n++) await new Promise<void>((resolve) => ask(resolve))
  return `${(Number(process.hrtime.bigint() - started) / 1e3 / MESSAGES).toFixed(1)} µs a message`
}

export async function run(): Promise<BenchRow[]> {
  const rawSystem = raw.start()
  const answer = (state: number, done: () => void) => {
    done()
    return state
  }
  const rawParent = raw.spawn(rawSystem, answer, 'p', { initialState: 0 })
  for (let n = 0; n < CHILDREN; n++) raw.spawn(rawParent, answer, `c${n}`, { initialState: 0 })
  const theirs = await microseconds((done) => raw.dispatch(rawParent, done))
  raw.stop(rawSystem)

  const system = createActorSystem({ clock: systemClock, ids: systemIds, log: silentLogger, metrics: silentMetrics })
  const recipe = { type: 'bench', capacity: 10, start: () => 0, receive: answer }
  const parent = system.spawn(undefined, 'p', recipe)
  for (let n = 0; n < CHILDREN; n++) system.spawn(parent, `c${n}`, recipe)
  const ours = await microseconds((done) => void system.tell(parent, done))
  await system.shutdown()
  return [{ what: `a parent of ${CHILDREN.toLocaleString('en')} children`, value: ours, note: `raw nact ${theirs}` }]
}
