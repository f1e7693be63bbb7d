import { type Command, InvalidArgumentError } from 'commander'
import { type CliMeans, speech, withService } from './command-context.ts'
import { exitCodes, Unreachable, UsageError } from './problem.ts'
import { wholeNumber } from './session-commands.ts'
import { table } from './terminal.ts'

export interface DrillOptions {
  /** Names, or `all`. */
  readonly names: readonly string[]
  readonly sessions: number
  readonly rate: number
  readonly durationMs: number
  readonly repeat: number | undefined
  readonly seed: number | undefined
  readonly nodes: number
  readonly gateways: number
  /** Gateways of a running cluster; empty: a cluster of its own. */
  readonly cluster: readonly string[]
  readonly inProduction: boolean
  readonly limitMs: number | undefined
  /** Markdown table of all reports, written anew after each and in between. */
  readonly reportFile: string | undefined
  readonly token: string | undefined
}

export interface DrillSummary {
  readonly id: string
  readonly name: string
  readonly started_at: string
  readonly finished_at: string
  readonly passed: boolean
}

export interface DrillOutcome {
  readonly passed: boolean
  /** The whole report. */
  readonly report: unknown
  /** The same for people. */
  readonly text: string
}

/** Running drills is not the command line's business; infra/drills.ts does it. */
export interface Drills {
  /** Name and one line of each. */
  readonly catalogue: readonly (readonly [string, string])[]
  run(options: DrillOptions, told: (line: string) => void): AsyncIterable<DrillOutcome>
  /** The reports in the database itself, where no gateway answers; undefined when none is configured either. */
  kept(): Promise<KeptDrills | undefined>
  /** A stored report for people. */
  text(report: unknown): string
}

export interface KeptDrills {
  list(limit: number): Promise<readonly DrillSummary[]>
  get(id: string): Promise<{ readonly report: unknown } | undefined>
  close(): Promise<void>
}

type Run = (promise: Promise<number>) => Promise<void>

interface Flags {
  readonly sessions: number
  readonly rate: number
  readonly duration: number
  readonly repeat?: number
  readonly faults?: number
  readonly seed?: number
  readonly nodes: number
  readonly gateways: number
  readonly cluster?: string
  readonly inProduction?: boolean
  readonly limitMs?: number
  readonly report?: string
}

export function drillCommands(program: Command, means: CliMeans, run: Run): void {
  program
    .command('drill')
    .description('rehearse a failure under load, and judge what came out; without a name: which there are')
    .argument('[names...]', 'drills, or all')
    .option('--sessions <n>', 'sessions at work', wholeNumber, 60)
    .option('--rate <n>', 'turns a second, all together', wholeNumber, 40)
    .option('--duration <seconds>', 'the load of each drill lasts at least so long', wholeNumber, 20)
    .option('--repeat <n>', 'how often the fault is worked (default: 3)', wholeNumber)
    .option('--faults <n>', 'the same, as one says for `long`', wholeNumber)
    .option('--seed <n>', 'deals the same drill again', wholeNumber)
    .option('--nodes <n>', 'nodes of a cluster of its own', wholeNumber, 3)
    .option('--gateways <n>', 'its gateways', wholeNumber, 2)
    .option('--cluster <urls>', 'gateways of a running cluster to work on instead, with commas', addresses)
    .option('--in-production', 'on that cluster, as any tenant')
    .option('--limit-ms <n>', 'limit of the p99 of recovery, instead of the drill’s own', wholeNumber)
    .option('--report <file>', 'write the reports as a Markdown table, in between too')
    .addHelpText(
      'after',
      '\nWithout --cluster it starts a cluster of its own on the servers of the environment or of `npm run stack`, with' +
        '\na topic prefix and a database that nobody else uses, and removes them in the end.' +
        '\nExit code 0: all passed; 1: one failed.' +
        '\n\nExamples:\n  $ soma drill kill-node\n  $ soma drill all --repeat 5' +
        '\n  $ soma drill long --faults 1000 --report drills.md\n  $ soma drill kill-node --cluster http://10.0.0.5:8010',
    )
    .action((names: string[], flags: Flags, command: Command) => run(drill(names, flags, command, means)))

  program
    .command('drills')
    .description('reports of earlier drills, newest first; with an id, that report')
    .argument('[id]')
    .option('-n, --limit <count>', 'how many', wholeNumber, 50)
    .action((id: string | undefined, { limit }: { limit: number }, command: Command) =>
      run(id === undefined ? list(limit, command, means) : show(id, command, means)),
    )
}

async function drill(names: readonly string[], flags: Flags, command: Command, means: CliMeans): Promise<number> {
  const { print, json, terminal, paint } = speech(command, means)
  const drills = await means.drills()
  if (names.length === 0) {
    print(Object.fromEntries(drills.catalogue), () => table(['DRILL', 'WHAT HAPPENS'], drills.catalogue, 140))
    return exitCodes.ok
  }
  const known = new Set(['all', ...drills.catalogue.map(([name]) => name)])
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0) throw new UsageError(`There is no drill ${unknown.join(', ')}; \`soma drill\` lists them.`)
  const { token } = command.optsWithGlobals<{ token?: string }>()
  const told = (line: string) => void (json || terminal.errors.write(`${line}\n`))
  let failed = 0
  const options = optionsOf(names, flags, token ?? means.defaults().token)
  for await (const { passed, report, text } of drills.run(options, told)) {
    if (!passed) failed++
    print(report, () => `\n${passed ? text : paint.red(text)}\n`)
  }
  return failed === 0 ? exitCodes.ok : exitCodes.failed
}

function optionsOf(names: readonly string[], flags: Flags, token: string | undefined): DrillOptions {
  const { sessions, rate, duration, nodes, gateways } = flags
  if (sessions < 1 || rate < 1 || nodes < 1 || gateways < 1) {
    throw new UsageError('--sessions, --rate, --nodes and --gateways must be 1 or more.')
  }
  return {
    names,
    sessions,
    rate,
    durationMs: duration * 1_000,
    repeat: flags.faults ?? flags.repeat,
    seed: flags.seed,
    nodes,
    gateways,
    cluster: flags.cluster?.split(',').map((url) => url.replace(/\/+$/, '')) ?? [],
    inProduction: flags.inProduction ?? false,
    limitMs: flags.limitMs,
    reportFile: flags.report,
    token,
  }
}

async function list(limit: number, command: Command, means: CliMeans): Promise<number> {
  const { json, print } = speech(command, means)
  const drills = await anywhere(
    command,
    means,
    async (client) => (await client.drills(limit)).drills,
    (kept) => kept.list(limit),
  )
  if (json) for (const one of drills) print(one, () => '')
  else if (drills.length === 0) print([], () => 'no drills yet')
  else {
    const rows = drills.map((d) => [d.id, d.name, d.started_at, d.passed ? 'passed' : 'FAILED'])
    print(drills, () => table(['ID', 'DRILL', 'SINCE', 'VERDICT'], rows))
  }
  return exitCodes.ok
}

async function show(id: string, command: Command, means: CliMeans): Promise<number> {
  const found = await anywhere<{ readonly report: unknown } | undefined>(
    command,
    means,
    (client) => client.drill(id),
    (kept) => kept.get(id),
  )
  if (!found) throw new UsageError(`There is no report of a drill ${id}.`)
  const { text } = await means.drills()
  speech(command, means).print(found.report, () => text(found.report))
  return exitCodes.ok
}

/** Through the gateway; where none answers, from the database that its reports are in. */
async function anywhere<T>(
  command: Command,
  means: CliMeans,
  ask: (client: Parameters<Parameters<typeof withService>[2]>[0]['client']) => Promise<T>,
  read: (kept: KeptDrills) => Promise<T>,
): Promise<T> {
  let found: T | undefined
  try {
    await withService(command, means, async ({ client }) => {
      found = await ask(client)
      return exitCodes.ok
    })
    return found as T
  } catch (error) {
    const kept = error instanceof Unreachable ? await (await means.drills()).kept() : undefined
    if (!kept) throw error
    try {
      return await read(kept)
    } finally {
      await kept.close()
    }
  }
}

function addresses(text: string): string {
  const all = text.split(',').every((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))
  if (!all) throw new InvalidArgumentError('an address like http://127.0.0.1:8010 is expected')
  return text
}
