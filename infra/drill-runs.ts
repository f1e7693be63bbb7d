import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { DrillOrder, DrillRun, DrillRuns } from '../transports/gateway/drill-runs.ts'

export interface DrillProcessesParts {
  readonly offered: DrillRuns['offered']
  /** Gateways of the cluster, this one first. */
  readonly gateways: () => readonly string[]
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  /** How a drill is run; the command line, unless a spec says otherwise. */
  readonly program?: readonly string[]
}

interface Running {
  run: DrillRun
  readonly child: ChildProcess
}

const MAX_LINES = 500
const MAX_LINE = 500
const MAX_RUNS = 20
const somaMain = fileURLToPath(new URL('./soma-main.js', import.meta.url))

/** `soma drill NAME --cluster …` as a child of this gateway, one at a time. It outlives us: it has a group of its own. */
export class DrillProcesses implements DrillRuns {
  readonly offered: DrillRuns['offered']
  readonly #parts: DrillProcessesParts
  readonly #runs: Running[] = []

  constructor(parts: DrillProcessesParts) {
    this.#parts = parts
    this.offered = parts.offered
  }

  async start(order: DrillOrder): Promise<DrillRun> {
    const { clock, ids, log } = this.#parts
    this.#refuse(order)
    const [node, ...args] = this.#parts.program ?? [process.execPath, '--enable-source-maps', somaMain]
    const child = spawn(node as string, [...args, ...this.#arguments(order)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      // The token by the environment: the arguments of a process are there for everybody on the machine to read.
      env: { ...withoutOurs(process.env), ...(order.token !== undefined && { SOMA_TOKEN: order.token }) },
    })
    const running: Running = {
      child,
      run: { id: ids.uuid(), name: order.name, startedAt: clock.now(), state: 'running', lines: [] },
    }
    this.#runs.unshift(running)
    this.#runs.splice(MAX_RUNS)
    log.warn({ drill: order.name, pid: child.pid }, 'a drill was started from the console')
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#said(running, line))
    }
    child.on('error', (error) => this.#said(running, `it could not be started: ${error.message}`))
    child.on('close', (code) => this.#ended(running, code))
    return running.run
  }

  list(): readonly DrillRun[] {
    return this.#runs.map(({ run }) => run)
  }

  stop(id: string): boolean {
    const running = this.#runs.find(({ run }) => run.id === id && run.state === 'running')
    if (running === undefined) return false
    running.run = { ...running.run, state: 'stopped' }
    return running.child.kill('SIGINT')
  }

  #refuse({ name }: DrillOrder): void {
    if (!this.offered.some((drill) => drill.name === name)) {
      const names = this.offered.map((drill) => drill.name).join(', ')
      const detail = names
        ? `${name} is not one that can be run on a running cluster: ${names}. \`soma drill ${name}\` starts a cluster of its own.`
        : 'Drills from the console need a cluster; `soma drill` starts one of its own.'
      throw new Failure('DRILL_REFUSED', detail)
    }
    const busy = this.#runs.find(({ child }) => child.exitCode === null && child.signalCode === null)
    if (busy) {
      throw new Failure('DRILL_BUSY', `${busy.run.name} is running.`, { retryAfter: 10 })
    }
  }

  #arguments({ name, sessions, rate, durationSeconds, repeat, inProduction }: DrillOrder): string[] {
    return [
      ...['drill', name, '--cluster', this.#parts.gateways().join(',')],
      ...['--sessions', String(sessions), '--rate', String(rate)],
      ...['--duration', String(durationSeconds), '--repeat', String(repeat)],
      ...(inProduction ? ['--in-production'] : []),
    ]
  }

  #said(running: Running, line: string): void {
    const lines = [...running.run.lines, line.slice(0, MAX_LINE)].slice(-MAX_LINES)
    running.run = { ...running.run, lines }
  }

  #ended(running: Running, code: number | null): void {
    const finishedAt = this.#parts.clock.now()
    const state = running.run.state === 'stopped' ? 'stopped' : code === 0 ? 'passed' : 'failed'
    running.run = { ...running.run, finishedAt, state }
  }
}

/** It talks to the gateways alone, and needs none of our secrets. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = env
  return { ...(PATH && { PATH }), ...(HOME && { HOME }), ...(TMPDIR && { TMPDIR }) }
}
