import { cpus, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { Chance } from './chance.ts'
import { type Demand, type DrillReport, RECOVERY_DEMAND } from './drill-report.ts'
import { type DrillName, drillOf } from './drills.ts'
import { readJournals } from './journal-pages.ts'
import { type JournaledEvent, judge, type Verdict } from './ledger.ts'
import { Load, type TurnTime } from './load.ts'
import { distribution } from './recovery.ts'
import { recoveries, type TurnSeen } from './session-recovery.ts'
import { caughtUp } from './stream-reader.ts'
import type { DrillTarget } from './target.ts'
import { ToolLedger } from './tool-ledger.ts'
import { TurnPhases } from './turn-phases.ts'
import { plainTurn, planTurn } from './turn-plans.ts'
import { wallClock } from './wall-clock.ts'
import { World } from './world.ts'

export interface DrillRun {
  readonly drill: DrillName
  readonly id: string
  readonly target: DrillTarget
  readonly sessions: number
  /** Turns a second, all sessions together. */
  readonly rate: number
  /** The load runs at least so long, however soon the faults are over. */
  readonly durationMs: number
  readonly repeat: number
  readonly seed: number
  /** Of the p99 of recovery, instead of the drill's own. */
  readonly limitMs?: number
  progress(line: string): void
  /** Called from time to time with what is known so far: a long run that is cut off still leaves its figures. */
  interim?(report: DrillReport): void
  readonly signal?: AbortSignal
}

/** Before the first fault, at most. */
const EASE_MS = 45_000
const DRAIN_MS = 90_000
const READERS_MS = 15_000
const INTERIM_EVERY = 25
const NAMED = 5

/** Load, faults, and the verdict on what came out. */
export async function runDrill(run: DrillRun): Promise<DrillReport> {
  const { target, sessions, rate, seed, repeat, progress, signal } = run
  const drill = drillOf(run.drill)
  const startedAt = wallClock()
  const phases = new TurnPhases()
  const tools = target.own && new ToolLedger(target.own.ledger, (mark) => phases.mark(mark))
  const name = `${run.drill}-${run.id}`
  const load = new Load({
    urls: target.urls,
    ...(target.token !== undefined && { token: target.token }),
    name,
    sessions,
    seed,
    phases,
    pace: { rate },
    plan: (key, chance) => (tools ? planTurn(key, chance, 'short') : plainTurn(key)),
  })
  const world = new World({ name, target, load, sessions, chance: new Chance(seed), repeat, progress, signal })
  const exitsBefore = target.own?.unexpectedExits().length ?? 0
  const wrong: Record<string, readonly string[]> = {}
  const report = (verdict: Verdict | undefined, journals: Journals) =>
    compose(run, { startedAt, world, load, verdict, journals, wrong })
  const watch = interimReports(run, world, () => report(undefined, new Map()))
  try {
    load.start()
    await world.awake()
    await world.atEase(EASE_MS)
    await drill.faults(world).catch((error: Error) => {
      wrong.drill = [error.message]
      progress(`the drill could not go on: ${error.message}`)
    })
    const left = startedAt + run.durationMs - wallClock()
    if (left > 0 && wrong.drill === undefined) await pause(left)
    progress('no more faults; waiting for the last answers')
    const drained = await load.drained(DRAIN_MS)
    if (!drained) wrong.open = named(load.open.map(({ key }) => `${key}: not answered within ${DRAIN_MS / 1_000} s`))
    const journals = await readJournals(target, load.sessionIds)
    await caughtUp(load.readers, journals, READERS_MS)
    tools?.read()
    const marks = (tools?.marks ?? []).filter(({ key }) => key.startsWith(name))
    const { accepted, readers } = load
    const verdict = judge({ accepted, journals, readers, marks })
    const exits = target.own?.unexpectedExits().slice(exitsBefore) ?? []
    if (exits.length > 0) wrong['ended by itself'] = named(exits)
    return report(verdict, journals)
  } finally {
    watch()
    load.close()
    tools?.close()
  }
}

type Journals = ReadonlyMap<string, readonly JournaledEvent[]>

interface Found {
  readonly startedAt: number
  readonly world: World
  readonly load: Load
  readonly verdict: Verdict | undefined
  readonly journals: Journals
  readonly wrong: Readonly<Record<string, readonly string[]>>
}

function compose(run: DrillRun, { startedAt, world, load, verdict, journals, wrong }: Found): DrillReport {
  const { target } = run
  const recovery = distribution(recoveries(world.faults, turnsSeen(load.turns, journals)))
  const limitMs = run.limitMs ?? drillOf(run.drill).recoveryMs
  const demands: Demand[] = [...world.demands]
  if (limitMs !== undefined) {
    // A fault that nobody felt shows nothing.
    const met = recovery.count > 0 && recovery.p99 <= limitMs
    const found = recovery.count > 0 ? `${recovery.p99} ms` : 'no session had to wait'
    demands.push({ what: `${RECOVERY_DEMAND} <= ${limitMs} ms`, met, found })
  }
  const firstFault = world.faults[0]?.at ?? Number.POSITIVE_INFINITY
  const breaks = load.readers.reduce((sum, reader) => sum + reader.breaks, 0)
  const cut = load.readers.reduce((sum, reader) => sum + reader.cuts, 0)
  const faulty = verdict && {
    lost: verdict.lost,
    duplicated: verdict.duplicated,
    'failed turns': verdict.failed,
    'tools doubled': verdict.doubled,
    'tools missing': verdict.unrun,
    'out of order': verdict.outOfOrder,
    gaps: verdict.gaps,
    'failed requests': load.refused,
  }
  const all = {
    ...wrong,
    ...Object.fromEntries(
      Object.entries(faulty ?? {}).flatMap(([kind, list]) => (list.length > 0 ? [[kind, named(list)]] : [])),
    ),
  }
  const passed = verdict !== undefined && Object.keys(all).length === 0 && demands.every(({ met }) => met)
  return {
    v: 1,
    id: run.id,
    name: run.drill,
    startedAt: Math.round(startedAt),
    finishedAt: Math.round(wallClock()),
    passed,
    seed: run.seed,
    nodes: target.nodes.length,
    gateways: target.gateways.length,
    sessions: run.sessions,
    rate: run.rate,
    machine: { cpus: cpus().length, load: Math.round((loadavg()[0] as number) * 10) / 10 },
    faults: tally(world.faults.map(({ what }) => what)),
    accepted: load.accepted.length,
    completed: verdict?.completed ?? load.finals,
    lost: verdict?.lost.length ?? 0,
    duplicated: verdict?.duplicated.length ?? 0,
    outOfOrder: verdict?.outOfOrder.length ?? 0,
    failedTurns: verdict?.failed.length ?? 0,
    toolsDoubled: verdict?.doubled.length ?? 0,
    toolsMissing: verdict?.unrun.length ?? 0,
    toolsUnknown: verdict?.unknown ?? 0,
    failedRequests: load.refused.length,
    retriedRequests: load.retries,
    streams: { told: breaks - cut, cut, gaps: verdict?.gaps.length ?? 0 },
    recovery,
    latency: {
      before: distribution(
        took(load.turns, ({ postedAt, finalAt }) => postedAt >= world.warmAt && Number(finalAt) < firstFault),
      ),
      during: distribution(took(load.turns, ({ finalAt }) => Number(finalAt) >= firstFault)),
    },
    demands,
    wrong: all,
    ...(!passed && verdict && target.own && { folder: target.own.folder }),
  }
}

/** Before the journals are read, what a client saw has to do for when it was journaled. */
function turnsSeen(turns: readonly TurnTime[], journals: Journals): TurnSeen[] {
  const finals = new Map<string, number>()
  for (const journal of journals.values()) {
    for (const event of journal) {
      if (event.type === 'assistant.final' && event.turnId !== undefined) finals.set(event.turnId, event.at)
    }
  }
  return turns.flatMap(({ sessionId, turnId, postedAt, finalAt }) => {
    const journaledAt = finals.get(turnId) ?? (finals.size === 0 ? finalAt : undefined)
    return finalAt === undefined || journaledAt === undefined ? [] : [{ sessionId, postedAt, journaledAt, finalAt }]
  })
}

function took(turns: readonly TurnTime[], which: (turn: TurnTime) => boolean): number[] {
  return turns.flatMap((turn) => (turn.finalAt !== undefined && which(turn) ? [turn.finalAt - turn.postedAt] : []))
}

/** Every so many faults; returns its end. */
function interimReports({ interim }: DrillRun, world: World, report: () => DrillReport): () => void {
  if (!interim) return () => {}
  let told = 0
  const timer = setInterval(() => {
    if (world.faults.length < told + INTERIM_EVERY) return
    told = world.faults.length
    interim(report())
  }, 1_000)
  return () => clearInterval(timer)
}

function named(list: readonly string[]): string[] {
  return list.length > NAMED ? [...list.slice(0, NAMED), `… and ${list.length - NAMED} more`] : [...list]
}

function tally(list: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const one of list) sums[one] = (sums[one] ?? 0) + 1
  return sums
}
