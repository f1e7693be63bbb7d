import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { freePort, ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { layDatabase } from './persistence-under-test.ts'
import { ScratchFolder } from './scratch-folder.ts'

export const somaMain = fileURLToPath(new URL('../../infra/soma-main.js', import.meta.url))

export interface ServiceSettings {
  readonly env?: Readonly<Record<string, string>>
  /** Tool files by name; the policy lets every tool run. */
  readonly tools?: Readonly<Record<string, string>>
  /** Nothing is there before the first start, not even an empty database. */
  readonly fresh?: true
}

/**
 * The built service as its users run it: a process of its own on a free port and a data directory of its own, with the
 * scripted model. Specs stop it, kill it and start it again on the same data. Its database is what initdb made once for
 * all specs, still without a table: initdb is 4 of the 7.5 CPU seconds of a very first start. That one is for `fresh`
 * and the specs of the image, local chat and the crash drill.
 */
export class Service {
  readonly url: string
  readonly folder: ScratchFolder
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  readonly process: ServiceProcess

  private constructor(port: number, { env = {}, tools = {} }: ServiceSettings) {
    this.folder = new ScratchFolder()
    this.dataDir = join(this.folder.path, 'data')
    const toolsDir = join(this.folder.path, 'tools')
    mkdirSync(toolsDir)
    for (const [name, source] of Object.entries(tools)) this.folder.write(`tools/${name}.mjs`, source)
    this.env = {
      SOMA_DATA_DIR: this.dataDir,
      SOMA_MODEL: 'rehearsal/script',
      SOMA_TOOLS_DIR: toolsDir,
      SOMA_POLICY_FILE: this.folder.write('policy.yaml', "rules: [{ effect: allow, tool: '*' }]\n"),
      LOG_LEVEL: 'info',
      SOMA_LOG_FORMAT: 'json',
      ...env,
    }
    this.process = new ServiceProcess({
      program: [somaMain, 'serve'],
      port,
      env: this.env,
      log: join(this.folder.path, 'service.log'),
    })
    this.url = this.process.url
  }

  static async start(settings: ServiceSettings = {}): Promise<Service> {
    const service = new Service(await freePort(), settings)
    try {
      if (!settings.fresh) await service.initialised()
      await service.start()
      return service
    } catch (error) {
      await service.release()
      throw error
    }
  }

  private async initialised(): Promise<void> {
    if (this.env.POSTGRES_DSN !== undefined || this.env.SOMA_DATA_DIR !== this.dataDir) return
    await layDatabase(this.dataDir)
  }

  async start(): Promise<void> {
    this.process.start()
    await this.process.ready()
  }

  stop(): Promise<number | null> {
    return this.process.stop()
  }

  kill(): Promise<void> {
    return this.process.kill()
  }

  /** Ends it and removes all it left. */
  async release(): Promise<void> {
    await this.process.release()
    this.folder.remove()
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const told = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(told) }
  }

  get(path: string): Promise<Answer> {
    return this.request('GET', path)
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('POST', path, body, headers)
  }

  /** A message that must be accepted. */
  async say(session: string, message: string): Promise<{ readonly session_id: string; readonly event_id: string }> {
    const { status, body } = await this.post('/v1/session/message', { session_id: session, message })
    if (status !== 200) throw new Error(`not accepted: ${status} ${JSON.stringify(body)}`)
    return body as unknown as { session_id: string; event_id: string }
  }

  /** `soma …` against this service. */
  soma(args: readonly string[], input = ''): Promise<SomaRun> {
    return runSoma(args, { ...this.env, SOMA_URL: this.url }, input)
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: an answer as it came; the spec says what it expects of it.
  readonly body: any
}

export interface SomaRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `limitMs`: one that should have ended by itself is killed then, and has no exit code. */
export async function runSoma(
  args: readonly string[],
  env: Record<string, string>,
  input = '',
  limitMs = 0,
): Promise<SomaRun> {
  const { PATH = '', HOME = '' } = process.env
  const options = { env: { PATH, HOME, ...env }, timeout: limitMs, killSignal: 'SIGKILL' as const }
  const child = spawn(process.execPath, [somaMain, ...args], options)
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

function parsed(told: string): unknown {
  try {
    return JSON.parse(told)
  } catch {
    return told
  }
}
