import type { Command } from 'commander'
import { type CliMeans, speech } from './command-context.ts'
import { exitCodes, UsageError } from './problem.ts'
import { wholeNumber } from './session-commands.ts'
import { table } from './terminal.ts'

export interface UpOptions {
  readonly nodes: number
  readonly gateways: number
  /** Of the first gateway; the others follow. */
  readonly port: number
}

export interface UpState {
  /** Of the first gateway. */
  readonly url: string
  readonly logs: string
  readonly processes: readonly {
    readonly name: string
    readonly role: 'node' | 'gateway'
    readonly url: string
    readonly pid: number | null
    readonly state: string
    readonly restarts: number
    /** Of a node: `session 22, tool 21`. */
    readonly shards?: string
  }[]
}

/** Starting processes is not the command line's business; infra/local-cluster.ts does it. */
export interface LocalClusters {
  /** Resolves once all are ready (undefined: it was stopped before that); `ended` with the exit code. */
  up(
    options: UpOptions,
    told: (line: string) => void,
  ): Promise<{ readonly state: UpState | undefined; readonly ended: Promise<number> }>
  detached(options: UpOptions): Promise<UpState>
  /** False: none runs. */
  stop(): Promise<boolean>
}

type Run = (promise: Promise<number>) => Promise<void>

export function localClusterCommands(program: Command, means: CliMeans, run: Run): void {
  program
    .command('up')
    .description('start a cluster on this machine: nodes and gateways as supervised processes')
    .option('--nodes <n>', 'nodes, which own shards of sessions, tools and memory', wholeNumber, 3)
    .option('--gateways <n>', 'gateways, which clients talk to', wholeNumber, 2)
    .option('--port <port>', 'port of the first gateway; the others follow (default: SOMA_PORT)', wholeNumber)
    .option('--detach', 'leave it running in the background')
    .option('--stop', 'drain and end the one that runs')
    .addHelpText(
      'after',
      '\nKafka, Postgres and Redis are those of the environment, else those of `npm run stack`.' +
        '\n\nExamples:\n  $ soma up --nodes 3 --gateways 2\n  $ soma up --detach\n  $ soma up --stop',
    )
    .action((options: Partial<UpOptions> & { detach?: boolean; stop?: boolean }, command: Command) =>
      run(options.stop ? stop(command, means) : up(options, command, means)),
    )
}

async function up(
  { nodes = 3, gateways = 2, port, detach }: Partial<UpOptions> & { detach?: boolean },
  command: Command,
  means: CliMeans,
): Promise<number> {
  if (nodes < 1 || gateways < 1) throw new UsageError('A cluster has at least one node and one gateway.')
  const options = { nodes, gateways, port: port ?? means.defaults().port }
  const { terminal } = means
  const clusters = await means.localClusters()
  if (detach) {
    tell(await clusters.detached(options), command, means)
    return exitCodes.ok
  }
  const { state, ended } = await clusters.up(options, (line) => terminal.errors.write(`${line}\n`))
  if (state) tell(state, command, means)
  return ended
}

async function stop(command: Command, means: CliMeans): Promise<number> {
  const stopped = await (await means.localClusters()).stop()
  speech(command, means).print({ stopped }, () => (stopped ? 'the local cluster has stopped' : 'no local cluster runs'))
  return exitCodes.ok
}

function tell({ url, logs, processes }: UpState, command: Command, means: CliMeans): void {
  const rows = processes.map((one) => [one.name, one.url, String(one.pid ?? ''), one.shards ?? ''])
  speech(command, means).print({ url, logs, processes }, () =>
    [
      '',
      table(['NAME', 'URL', 'PID', 'SHARDS'], rows, 120),
      '',
      `logs: ${logs}`,
      'next:',
      `  soma chat --url ${url}`,
      `  soma nodes --url ${url}`,
      '  soma drill kill-node',
      '  soma up --stop',
    ].join('\n'),
  )
}
