import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Chance } from './chance.ts'
import { layOutTools } from './drill-tools.ts'
import { readJournals } from './journal-pages.ts'
import { judge, type Verdict } from './ledger.ts'
import { Load } from './load.ts'
import { type Distribution, distribution, timesToFinal, timesToReady } from './recovery.ts'
import { freePort, ServiceProcess } from './service-process.ts'
import { caughtUp } from './stream-reader.ts'
import { ToolLedger } from './tool-ledger.ts'
import { type Phase, phases, TurnPhases } from './turn-phases.ts'
import { planTurn } from './turn-plans.ts'
import { wallClock } from './wall-clock.ts'

export interface CrashDrillOptions {
  readonly kills: number
  readonly sessions: number
  readonly seed: number
  /** The service as arguments of node. */
  readonly program: readonly string[]
  readonly thinkMs?: readonly [number, number]
  /** After the last restart, how long the last answers may take. */
  readonly drainMs?: number
  progress(line: string): void
  readonly signal?: AbortSignal
}

export interface CrashReport {
  readonly seed: number
  readonly kills: number
  readonly sessions: number
  readonly seconds: number
  readonly verdict: Verdict
  /** Kills by the moment they aimed at. */
  readonly moments: Readonly<Record<string, number>>
  /** Turns that the kills found in each phase, all kills together. */
  readonly caught: Readonly<Record<string, number>>
  /** Streams broken and resumed. */
  readonly streamBreaks: number
  readonly toReady: Distribution
  readonly toFinal: Distribution
  /** Anything else that must not be: ends that nobody caused, refused posts, a drain that did not come to its end. */
  readonly faults: readonly string[]
  readonly passed: boolean
  /** Journal, log and ledger; kept when the drill failed. */
  readonly folder: string
}

type Moment = Phase | 'starting' | 'just ready' | 'any time'
const moments: readonly Moment[] = [...phases, 'starting', 'just ready', 'any time']

/** A phase that does not come by within this is not waited for. */
const PATIENCE_MS = 3_000
const FIRST_FINAL_MS = 15_000
/**
 * The work between two kills. A turn that never gets the second it needs is given up after twenty attempts, rightly, and
 * kills that come faster than that would show this limit and nothing else.
 */
const WORK_MS = [200, 1_500] as const
const READY_MS = 60_000
const READERS_MS = 10_000

/** Kills the service at moments it chooses by what the turns are doing, restarts it, and judges what came out. */
export async function crashDrill(options: CrashDrillOptions): Promise<CrashReport> {
  const { kills, sessions, seed, program, progress, thinkMs = [100, 3_000], drainMs = 90_000, signal } = options
  const from = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'soma-drill-'))
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  const ledgerFile = join(folder, 'ledger.ndjson')
  const { toolsDir, policyFile } = layOutTools(folder, ledgerFile)
  const turns = new TurnPhases()
  const ledger = new ToolLedger(ledgerFile, (mark) => turns.mark(mark))
  const service = new ServiceProcess({
    program,
    port: await freePort(),
    log: join(folder, 'service.log'),
    env: {
      SOMA_DATA_DIR: dataDir,
      SOMA_MODEL: 'rehearsal/script',
      SOMA_TOOLS_DIR: toolsDir,
      SOMA_POLICY_FILE: policyFile,
      LOG_LEVEL: 'warn',
    },
  })
  const load = new Load({
    urls: [service.url],
    name: `drill-${seed}`,
    sessions,
    seed,
    phases: turns,
    pace: { thinkMs },
    plan: (key, chance) => planTurn(key, chance, 'long'),
  })
  const executioner = new Executioner(service, load, turns, new Chance(seed), progress)
  const faults: string[] = []
  try {
    service.start()
    await service.ready(READY_MS)
    progress(`ready at ${service.url}, data in ${folder}; seed ${seed}`)
    load.start()
    await executioner.run(kills, signal)
    progress('no more kills; waiting for the last answers')
    if (!(await load.drained(drainMs))) faults.push(`after ${drainMs} ms ${turns.open} turns were still open`)
    const journals = await readJournals({ urls: [service.url] }, load.sessionIds)
    await caughtUp(load.readers, journals, READERS_MS)
    load.close()
    ledger.read()
    const { accepted, readers } = load
    const verdict = judge({ accepted, journals, readers, marks: ledger.marks })
    faults.push(...service.unexpectedExits, ...load.refused)
    const passed = verdict.passed && faults.length === 0
    const finals = [...journals.values()].flat().filter((event) => event.type === 'assistant.final')
    if (passed) await service.stop()
    return {
      seed,
      kills: executioner.kills.length,
      sessions,
      seconds: Math.round((performance.now() - from) / 100) / 10,
      verdict,
      moments: tally(executioner.kills.map((kill) => [kill.moment, 1])),
      caught: tally(executioner.caught),
      streamBreaks: readers.reduce((sum, reader) => sum + reader.breaks, 0),
      toReady: distribution(timesToReady(executioner.kills)),
      toFinal: distribution(
        timesToFinal(
          executioner.kills,
          finals.map((event) => event.at),
        ),
      ),
      faults,
      passed,
      folder,
    }
  } finally {
    load.close()
    await service.release()
    ledger.close()
  }
}

export function removeTraces(report: CrashReport): void {
  rmSync(report.folder, { recursive: true, force: true })
}

/** Kills and restarts, and remembers when and what it hit. */
class Executioner {
  readonly kills: { at: number; moment: Moment; readyAt?: number }[] = []
  readonly caught: [string, number][] = []
  readonly #service: ServiceProcess
  readonly #load: Load
  readonly #turns: TurnPhases
  readonly #chance: Chance
  readonly #progress: (line: string) => void
  /** How long the last start took: where in a start a kill may fall. */
  #startMs = 1_000

  constructor(
    service: ServiceProcess,
    load: Load,
    turns: TurnPhases,
    chance: Chance,
    progress: (line: string) => void,
  ) {
    this.#service = service
    this.#load = load
    this.#turns = turns
    this.#chance = chance
    this.#progress = progress
  }

  async run(kills: number, signal: AbortSignal | undefined): Promise<void> {
    const deck = Array.from({ length: Math.ceil(kills / moments.length) }, () => this.#chance.shuffled(moments))
    let answered = 0
    for (const moment of deck.flat().slice(0, kills)) {
      signal?.throwIfAborted()
      const hit = await this.#reach(moment, answered)
      this.#strike(hit)
      answered = this.#load.finals
      await this.#service.kill()
      this.#turns.killed()
      this.#service.start()
    }
    await this.#ready()
  }

  /** Comes back at the moment to kill, with what it found there. */
  async #reach(moment: Moment, answered: number): Promise<Moment> {
    if (moment === 'starting') {
      await pause(this.#chance.between(0, this.#startMs))
      return moment
    }
    await this.#ready()
    if (moment === 'just ready') {
      await pause(this.#chance.between(0, 30))
      return moment
    }
    await this.#firstFinal(answered)
    await pause(this.#chance.between(...WORK_MS))
    if (moment === 'any time') return moment
    const late = pause(PATIENCE_MS, 'any time' as const, { ref: false })
    return Promise.race([this.#turns.reached(moment).then(() => moment), late])
  }

  #strike(moment: Moment): void {
    const counts = this.#turns.counts()
    for (const [phase, count] of counts) this.caught.push([phase, count])
    const last = this.kills.at(-1)
    this.kills.push({ at: wallClock(), moment })
    const found = [...counts].map(([phase, count]) => `${count} ${phase}`).join(', ')
    const recovered =
      last?.readyAt === undefined ? '' : `; the start before took ${Math.round(last.readyAt - last.at)} ms`
    this.#progress(
      `kill ${this.kills.length} (${moment}) of pid ${this.#service.pid}: ${found || 'no open turns'}; ` +
        `${this.#load.accepted.length} accepted, ${this.#load.finals} answered${recovered}`,
    )
  }

  async #ready(): Promise<void> {
    await this.#service.ready(READY_MS)
    const last = this.kills.at(-1)
    if (!last) return
    last.readyAt = wallClock()
    this.#startMs = Math.min(READY_MS, last.readyAt - last.at)
  }

  /** So that every kill but the deliberate double ones hits a service that had got back to work. */
  async #firstFinal(answered: number): Promise<void> {
    const until = performance.now() + FIRST_FINAL_MS
    while (this.#load.finals === answered && performance.now() < until) {
      await Promise.race([this.#turns.reached('answered'), pause(200)])
    }
  }
}

function tally(entries: readonly (readonly [string, number])[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, count] of entries) sums[name] = (sums[name] ?? 0) + count
  return sums
}
