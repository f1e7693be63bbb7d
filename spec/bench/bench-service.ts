import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock } from '../../infra/clock.ts'
import { ensureTemplate } from '../../persistence/pglite-files.ts'
import { freePort, ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { template } from '../support/persistence-under-test.ts'

const somaMain = fileURLToPath(new URL('../../infra/soma-main.js', import.meta.url))

/** Without the source maps that a drill asks for: they cost a start 0.1 s, and `npm start` has none. */
const program = ['--no-enable-source-maps', somaMain, 'serve']

/** The service as its users run it, a process of its own, on a data directory of its own that goes with it. */
export class BenchService {
  readonly process: ServiceProcess
  readonly dataDir: string
  readonly log: string
  readonly #folder: string

  private constructor(folder: string, dataDir: string, port: number, env: Readonly<Record<string, string>>) {
    this.#folder = folder
    this.dataDir = dataDir
    this.log = join(folder, 'service.log')
    this.process = new ServiceProcess({
      program,
      port,
      log: this.log,
      env: { SOMA_DATA_DIR: dataDir, SOMA_MODEL: 'rehearsal/echo', LOG_LEVEL: 'warn', SOMA_LOG_FORMAT: 'json', ...env },
    })
  }

  /** Not started yet. `fresh`: the data directory is not there either, so the first start makes the database. */
  static async prepare(
    options: { readonly env?: Readonly<Record<string, string>>; readonly fresh?: boolean } = {},
  ): Promise<BenchService> {
    const folder = mkdtempSync(join(tmpdir(), 'soma-bench-'))
    const dataDir = join(folder, 'data')
    if (!options.fresh) {
      await ensureTemplate(template, systemClock, silentLogger)
      mkdirSync(dataDir)
      cpSync(template, join(dataDir, 'pg'), { recursive: true })
    }
    return new BenchService(folder, dataDir, await freePort(), options.env ?? {})
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<BenchService> {
    const service = await BenchService.prepare({ env })
    try {
      service.process.start()
      await service.process.ready()
      return service
    } catch (error) {
      await service.release()
      throw error
    }
  }

  get url(): string {
    return this.process.url
  }

  async release(): Promise<void> {
    await this.process.release()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
