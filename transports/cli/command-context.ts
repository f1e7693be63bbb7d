import type { Command } from 'commander'
import { SomaClient } from './client.ts'
import type { Drills } from './drill-commands.ts'
import type { LocalClusters } from './local-cluster-commands.ts'
import { UsageError } from './problem.ts'
import { type Paint, paint, type Terminal } from './terminal.ts'

/** What the program is given; infra/soma-main.ts wires it, so that no command knows how a service is made. */
export interface CliMeans {
  readonly version: string
  readonly terminal: Terminal
  /** Read when a command needs them, so that `soma help` works whatever the environment says. */
  defaults(): CliDefaults
  newKey(): string
  /** A service in this process on a free loopback port, for SOMA_AGENT_MODE=LOCAL. */
  startLocal(): Promise<RunningService>
  /**
   * Starts the service and returns once it takes requests; a signal ends the process. `roles` makes it a process of a
   * cluster that does just these.
   */
  serve(roles?: readonly string[]): Promise<void>
  /** The newest migration that the database has now. */
  migrate(): Promise<string>
  doctor(): Promise<readonly Finding[]>
  localClusters(): Promise<LocalClusters>
  drills(): Promise<Drills>
}

export interface CliDefaults {
  readonly url: string
  readonly port: number
  readonly token: string | undefined
  readonly local: boolean
}

export interface RunningService {
  readonly url: string
  close(): Promise<void>
}

export interface Finding {
  readonly name: string
  readonly ok: boolean
  /** Without it the service starts and does less. Left out: it cannot start. */
  readonly optional?: boolean
  readonly detail: string
  /** Empty when there is nothing to do. */
  readonly remedy: string
}

export interface GlobalOptions {
  readonly json?: boolean
  readonly url?: string
  readonly token?: string
}

/** One run of one command: its client, and how it speaks. */
export interface CommandContext {
  readonly client: SomaClient
  readonly terminal: Terminal
  readonly paint: Paint
  readonly json: boolean
  /** A line for the person, or the value itself for a program (`--json`: one JSON document per line). */
  print(value: unknown, text: () => string): void
}

/** Runs a command against the service named by --url, by the configuration, or started here for its sake. */
export async function withService(
  command: Command,
  means: CliMeans,
  run: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const options = command.optsWithGlobals<GlobalOptions>()
  const defaults = means.defaults()
  const named = addressOf(options.url)
  const local = defaults.local && named === undefined ? await means.startLocal() : undefined
  try {
    const url = named ?? local?.url ?? defaults.url.replace(/\/+$/, '')
    const spoken = speech(command, means)
    const onOutage = (why: string) => {
      if (!spoken.json) spoken.terminal.errors.write(`${url} does not answer (${why}); trying again…\n`)
    }
    const client = new SomaClient({
      url,
      token: options.token ?? defaults.token,
      newKey: means.newKey,
      onOutage,
    })
    return await run({ client, ...spoken })
  } finally {
    await local?.close()
  }
}

function addressOf(url: string | undefined): string | undefined {
  if (url === undefined) return undefined
  const isAddress = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (!isAddress) throw new UsageError('--url must be like http://127.0.0.1:8010.')
  return url.replace(/\/+$/, '')
}

export function speech(command: Command, { terminal }: CliMeans): Omit<CommandContext, 'client'> {
  const json = command.optsWithGlobals<GlobalOptions>().json ?? false
  return {
    terminal,
    json,
    paint: paint(terminal.color && !json),
    print(value, text) {
      terminal.output.write(`${json ? JSON.stringify(value) : text()}\n`)
    },
  }
}
