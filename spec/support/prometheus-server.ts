import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { stringify } from 'yaml'
import { packageRoot } from '../../infra/package-root.ts'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { scrapeConfig } from './promql.ts'
import { ScratchFolder } from './scratch-folder.ts'

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export interface Target {
  readonly job: string
  readonly health: string
  readonly lastError: string
}

/** A program of somebody else's on a port of its own, for as long as a spec runs. */
export class Program {
  readonly port: number
  readonly #child: ChildProcess
  #said = ''

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
    const hear = (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-4_000)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.on('error', (error) => hear(Buffer.from(error.message)))
  }

  /** `{port}` in an argument becomes its port. */
  static async start(binary: string, args: readonly string[], env: Record<string, string> = {}): Promise<Program> {
    const port = await freePort()
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(
      binary,
      args.map((arg) => arg.replace('{port}', String(port))),
      { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    return new Program(port, child)
  }

  get said(): string {
    return this.#said
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined
  }

  async stop(): Promise<void> {
    if (!this.running) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await gone
  }
}

/** A real Prometheus on a copy of infra/prometheus.yml, with the targets of its jobs where a spec has them. */
export class PrometheusServer {
  readonly #program: Program
  readonly #folder: ScratchFolder

  private constructor(program: Program, folder: ScratchFolder) {
    this.#program = program
    this.#folder = folder
  }

  /** Jobs without targets are left out. */
  static async start(binary: string, targets: Readonly<Record<string, readonly string[]>>): Promise<PrometheusServer> {
    const folder = new ScratchFolder()
    copyFileSync(path.join(packageRoot, 'infra/alerts.yml'), path.join(folder.path, 'alerts.yml'))
    const port = await freePort()
    const own = { ...targets, prometheus: [`127.0.0.1:${port}`] } as Readonly<Record<string, readonly string[]>>
    const { scrape_configs: jobs, ...rest } = scrapeConfig()
    const copy = {
      ...rest,
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      scrape_configs: jobs
        .filter(({ job_name }) => own[job_name])
        .map((job) => ({ ...job, static_configs: [{ targets: own[job.job_name] }] })),
    }
    const config = folder.write('prometheus.yml', stringify(copy))
    const program = await Program.start(binary, [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ])
    return new PrometheusServer(Object.assign(program, { port }), folder)
  }

  async targets(): Promise<readonly Target[]> {
    const { activeTargets } = (await this.#ask('targets?state=active')) as {
      activeTargets: { labels: { job: string }; health: string; lastError: string }[]
    }
    return activeTargets.map(({ labels, health, lastError }) => ({ job: labels.job, health, lastError }))
  }

  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = (await this.#ask(`query?query=${encodeURIComponent(expr)}`)) as {
      result: { metric: Record<string, string>; value: [number, string] }[]
    }
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }

  async alerts(): Promise<readonly { readonly name: string; readonly state: string; readonly severity: string }[]> {
    const { alerts } = (await this.#ask('alerts')) as {
      alerts: { labels: { alertname: string; severity: string }; state: string }[]
    }
    return alerts.map(({ labels, state }) => ({ name: labels.alertname, state, severity: labels.severity }))
  }

  /** Of the rules that were evaluated, those that failed. */
  async brokenRules(): Promise<readonly string[]> {
    const { groups } = (await this.#ask('rules')) as {
      groups: { rules: { name: string; health: string; lastError?: string }[] }[]
    }
    return groups.flatMap(({ rules }) =>
      rules.filter(({ health }) => health === 'err').map(({ name, lastError }) => `${name}: ${lastError}`),
    )
  }

  async release(): Promise<void> {
    await this.#program.stop()
    this.#folder.remove()
  }

  async #ask(what: string): Promise<unknown> {
    const until = performance.now() + 20_000
    for (;;) {
      if (!this.#program.running) throw new Error(`Prometheus ended: ${this.#program.said}`)
      const answer = await fetch(`http://127.0.0.1:${this.#program.port}/api/v1/${what}`).catch(() => undefined)
      const body = (await answer?.json().catch(() => undefined)) as { status: string; data: unknown; error?: string }
      if (body?.status === 'success') return body.data
      if (body?.status === 'error') throw new Error(`${what}: ${body.error}`)
      if (performance.now() > until) throw new Error(`Prometheus does not answer: ${this.#program.said}`)
    }
  }
}
