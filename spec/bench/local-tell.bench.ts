import nact from 'nact'
import { inContext } from '../../actors/kernel/message-context.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { createActorSystem } from '../../supervisors/actor-system.ts'
import type { BenchRow } from './bench-row.ts'

/**
 * Local tells against raw nact, in one run and interleaved, so that both have the same machine. Ours with its promises
 * on: bounded mailbox, supervision, metrics, and (second row) a context of its own bound to every message.
 */
const MESSAGES = 200_000
const BURST = 500
const ROUNDS = 5

type Nact = { start(o?: object): object; spawn: CallableFunction; dispatch: CallableFunction; stop: CallableFunction }
const raw = nact as unknown as Nact

/** Sends in bursts that a mailbox of 1,000 takes, and goes on when the burst is handled: tells and handling are both in the time. */
async function rate(tell: (n: number, done: () => void) => void, messages = MESSAGES): Promise<number> {
  const started = process.hrtime.bigint()
  for (let sent = 0; sent < messages; sent += BURST) {
    await new Promise<void>((resolve) => {
      for (let n = 1; n <= BURST; n++) tell(n, resolve)
    })
  }
  return messages / (Number(process.hrtime.bigint() - started) / 1e9)
}

interface Ping {
  readonly n: number
  readonly done: () => void
}

function answer(count: number, ping: Ping): number {
  if (ping.n === BURST) ping.done()
  return count + 1
}

async function rawNact(): Promise<number> {
  const system = raw.start()
  const actor = raw.spawn(system, (state: number, ping: Ping) => answer(state, ping), 'a', { initialState: 0 })
  const result = await rate((n, done) => raw.dispatch(actor, { n, done }))
  raw.stop(system)
  return result
}

async function ours(kind: 'plain' | 'context' | 'asynchronous'): Promise<number> {
  const system = createActorSystem(parts())
  const actor = system.spawn<Ping, number>(undefined, 'a', {
    type: 'bench',
    capacity: 1_000,
    start: () => 0,
    receive: kind === 'asynchronous' ? async (count, ping) => answer(count, ping) : answer,
  })
  const context = (n: number) => ({ trace: { traceparent: `00-${n}` }, fields: {} })
  const result = await rate((n, done) => {
    const told =
      kind === 'context'
        ? inContext(context(n), () => system.tell(actor, { n, done }))
        : system.tell(actor, { n, done })
    if (told !== 'accepted') throw new Error(told)
  })
  await system.shutdown()
  return result
}

/** The worst case for batches: every message wakes another actor. */
async function spread(whose: 'nact' | 'ours'): Promise<number> {
  const names = Array.from({ length: BURST }, (_, i) => `a${i}`)
  if (whose === 'nact') {
    const system = raw.start()
    const actors = names.map((name) =>
      raw.spawn(system, (state: number, ping: Ping) => answer(state, ping), name, { initialState: 0 }),
    )
    const result = await rate((n, done) => raw.dispatch(actors[n - 1], { n, done }))
    raw.stop(system)
    return result
  }
  const system = createActorSystem(parts())
  const recipe = { type: 'bench', capacity: 1_000, start: () => 0, receive: answer }
  const actors = names.map((name) => system.spawn<Ping, number>(undefined, name, recipe))
  const result = await rate((n, done) => void system.tell(actors[n - 1] as (typeof actors)[number], { n, done }))
  await system.shutdown()
  return result
}

/** The real ones: prom-client's cost is part of ours. */
const metrics = new Metrics()
const parts = () => ({ clock: systemClock, ids: systemIds, log: silentLogger, metrics })
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number
const inThousands = (perSecond: number) => `${Math.round(perSecond / 1000).toLocaleString('en')}k/s`

export async function run(): Promise<BenchRow[]> {
  const rates = { nact: [] as number[], plain: [] as number[], asynchronous: [] as number[], context: [] as number[] }
  // Contexts last in each round, and their rounds last of all: from the first one on Node's promise hooks are on.
  for (let round = 0; round <= ROUNDS; round++) {
    const results = [await rawNact(), await ours('plain'), await ours('asynchronous')] as const
    if (round === 0) continue
    rates.nact.push(results[0])
    rates.plain.push(results[1])
    rates.asynchronous.push(results[2])
  }
  const wide = { nact: [] as number[], ours: [] as number[] }
  for (let round = 0; round <= ROUNDS; round++) {
    const results = [await spread('nact'), await spread('ours')] as const
    if (round === 0) continue
    wide.nact.push(results[0])
    wide.ours.push(results[1])
  }
  const hooked: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const results = [await rawNact(), await ours('context')] as const
    if (round === 0) continue
    hooked.push(results[0])
    rates.context.push(results[1])
  }
  const ratio = (ours: number[], theirs: number[]) => `${(median(ours) / median(theirs)).toFixed(2)}x raw nact`
  const goal = '>= 1.00x raw nact'
  return [
    { what: 'local tells, raw nact 7.6.2', value: inThousands(median(rates.nact)) },
    { what: 'local tells', value: inThousands(median(rates.plain)), goal, note: ratio(rates.plain, rates.nact) },
    {
      what: 'local tells, async handler',
      value: inThousands(median(rates.asynchronous)),
      goal,
      note: ratio(rates.asynchronous, rates.nact),
    },
    {
      what: 'local tells, each to another of 500 actors',
      value: inThousands(median(wide.ours)),
      // No goal: nothing gathers, so each message pays for nact and for ours.
      note: `${ratio(wide.ours, wide.nact)}, itself ${inThousands(median(wide.nact))}`,
    },
    {
      what: 'local tells, a context each',
      value: inThousands(median(rates.context)),
      goal,
      note: `${ratio(rates.context, hooked)}, itself ${inThousands(median(hooked))} with promise hooks on`,
    },
  ]
}
