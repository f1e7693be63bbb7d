import { Command, CommanderError } from 'commander'
import { clusterCommands } from './cluster-commands.ts'
import { type CliMeans, speech } from './command-context.ts'
import { contentCommands } from './content-commands.ts'
import { drillCommands } from './drill-commands.ts'
import { inspectionCommands } from './inspection-commands.ts'
import { localClusterCommands } from './local-cluster-commands.ts'
import { mcpCommands } from './mcp-commands.ts'
import { memoryCommands } from './memory-commands.ts'
import { operatorCommands } from './operator-commands.ts'
import { endingOf, exitCodes, exitCodeTable } from './problem.ts'
import { sessionCommands } from './session-commands.ts'
import { paint } from './terminal.ts'
import { timerCommands } from './timer-commands.ts'
import { uploadCommand } from './upload-command.ts'

/** The `soma` command line. Resolves with the exit code; writes only to the terminal it is given. */
export async function runCli(args: readonly string[], means: CliMeans): Promise<number> {
  const { terminal } = means
  let exitCode: number = exitCodes.ok
  const run = async (result: Promise<number>) => {
    exitCode = await result
  }
  const program = new Command('soma')
    .description('Agents that survive: durable sessions as supervised actors.')
    .version(means.version)
    .option('--json', 'one JSON document per line instead of text')
    .option('--url <address>', 'service to talk to (default: SOMA_URL, or SOMA_HOST and SOMA_PORT)')
    .option('--token <token>', 'bearer token (default: SOMA_TOKEN)')
    .addHelpText('after', `\n${exitCodeTable}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.output.write(text),
      writeErr: (text) => terminal.errors.write(text),
    })
    .showSuggestionAfterError()
  serviceCommands(program, means, run)
  sessionCommands(program, means, run)
  timerCommands(program, means, run)
  inspectionCommands(program, means, run)
  contentCommands(program, means, run)
  memoryCommands(program, means, run)
  uploadCommand(program, means, run)
  operatorCommands(program, means, run)
  clusterCommands(program, means, run)
  localClusterCommands(program, means, run)
  drillCommands(program, means, run)
  mcpCommands(program, means, run)
  inheritSettings(program)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    const ending = endingOf(error)
    const { code, detail, remedy } = ending
    const json = program.opts<{ json?: boolean }>().json || args.includes('--json')
    const text = `${paint(terminal.color).red(code)}: ${detail}\n  ${remedy}`
    terminal.errors.write(`${json ? JSON.stringify({ error: { code, detail, remedy } }) : text}\n`)
    return ending.exitCode
  }
}

function serviceCommands(program: Command, means: CliMeans, run: (result: Promise<number>) => Promise<void>): void {
  program
    .command('serve')
    .description('run the service in the foreground; SIGTERM or Ctrl-C drains it, twice ends it at once')
    .addHelpText('after', '\nExamples:\n  $ soma serve\n  $ SOMA_PORT=9000 SOMA_MODEL=rehearsal/echo soma serve')
    .action(() => run(means.serve().then(() => exitCodes.ok)))

  program
    .command('migrate')
    .description('bring the database to the newest schema; `serve` does so by itself')
    .action((_options: object, command: Command) =>
      run(
        means.migrate().then((schema) => {
          speech(command, means).print({ schema }, () => `the schema is current: ${schema}`)
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('doctor')
    .description('look at everything the service needs, and say what to do about what is missing')
    .action((_options: object, command: Command) =>
      run(
        means.doctor().then((findings) => {
          const { json, print, paint } = speech(command, means)
          for (const finding of findings) {
            const mark = finding.ok ? paint.green('ok  ') : finding.optional ? paint.red('warn') : paint.red('FAIL')
            const remedy = finding.remedy === '' ? '' : `\n      → ${finding.remedy}`
            print(finding, () => `${mark}  ${finding.name}: ${finding.detail}${remedy}`)
          }
          const bad = findings.filter((finding) => !finding.ok).length
          if (!json) print(findings, () => (bad === 0 ? 'all is well' : `${bad} to mend`))
          return bad === 0 ? exitCodes.ok : exitCodes.failed
        }),
      ),
    )
}

/** commander copies these to subcommands only when set before they are made; setting them on all is plainer. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    inheritSettings(child)
  }
}
