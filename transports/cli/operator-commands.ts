import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import type { SomaClient } from './client.ts'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes, UsageError } from './problem.ts'
import { wholeNumber } from './session-commands.ts'
import { table } from './terminal.ts'
import { treeTable } from './tree-table.ts'

type Run = (promise: Promise<number>) => Promise<void>

/** Commands for operators (scope admin): the tree, dead letters, quarantine. */
export function operatorCommands(program: Command, means: CliMeans, run: Run): void {
  program
    .command('tree')
    .description('print the live supervision tree: type, state, mailbox depth, restarts')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const { tree } = await client.tree()
          print(tree, () => treeTable(tree))
          return exitCodes.ok
        }),
      ),
    )

  const letters = program.command('dead-letters').description('what could not be handled, with its cause')
  letters.addHelpText(
    'after',
    '\nExamples:\n  $ soma dead-letters\n  $ soma dead-letters show ID\n  $ soma dead-letters replay ID',
  )
  letters
    .command('list', { isDefault: true })
    .description('newest first')
    .option('-n, --limit <count>', 'how many', wholeNumber, 50)
    .action(({ limit }: { limit: number }, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { dead_letters } = await client.deadLetters(limit)
          if (json) for (const letter of dead_letters) print(letter, () => '')
          else if (dead_letters.length === 0) print([], () => 'no dead letters')
          else {
            const rows = dead_letters.map((l) => [l.id, l.code, l.original_event.to, l.timestamp, l.error_message])
            print(dead_letters, () => table(['ID', 'CODE', 'TO', 'SINCE', 'CAUSE'], rows, 160))
          }
          return exitCodes.ok
        }),
      ),
    )
  letters
    .command('show')
    .description('one of them, whole')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const letter = await client.deadLetter(id)
          print(letter, () => JSON.stringify(letter, null, 2))
          return exitCodes.ok
        }),
      ),
    )
  letters
    .command('replay')
    .description('send it again, under a new id')
    .argument('<id>')
    .option('--edit <json>', 'with this body instead of its own')
    .action((id: string, { edit }: { edit?: string }, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const replayed = await client.replayDeadLetter(id, edit === undefined ? undefined : bodyOf(edit))
          print(replayed, () => `sent to ${replayed.address} as ${replayed.event_id}`)
          return exitCodes.ok
        }),
      ),
    )
  letters
    .command('drop')
    .description('forget it')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const dropped = await client.dropDeadLetter(id)
          print(dropped, () => `dropped ${id}`)
          return exitCodes.ok
        }),
      ),
    )

  const quarantine = program
    .command('quarantine')
    .description('addresses that failed again and again, and what they hold')
  quarantine.addHelpText(
    'after',
    '\nExamples:\n  $ soma quarantine\n  $ soma quarantine show session:0b6f2c1e-…\n  $ soma quarantine resume session:0b6f2c1e-… --drop',
  )
  quarantine
    .command('list', { isDefault: true })
    .description('all of them')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const entries = (await client.quarantine()).quarantine
          if (json) for (const entry of entries) print(entry, () => '')
          else if (entries.length === 0) print([], () => 'nothing is quarantined')
          else {
            const rows = entries.map((e) => [e.address, e.code, String(e.held), e.since, e.detail])
            print(entries, () => table(['ADDRESS', 'CODE', 'HELD', 'SINCE', 'CAUSE'], rows, 160))
          }
          return exitCodes.ok
        }),
      ),
    )
  quarantine
    .command('show')
    .description('the cause, the suspect message and all that waits behind it')
    .argument('<address>')
    .action((address: string, _options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const entry = await client.quarantined(address)
          print(entry, () => JSON.stringify(entry, null, 2))
          return exitCodes.ok
        }),
      ),
    )
  quarantine
    .command('resume')
    .description('let it go on: as it was, without the suspect, or with another body for it')
    .argument('<address>')
    .option('--drop', 'park the suspect as a dead letter')
    .option('--edit <json>', 'replace the body of the suspect')
    .action((address: string, options: { drop?: boolean; edit?: string }, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const resumed = await client.resume(address, resumption(options))
          const again = await failsAgain(address, client)
          print({ ...resumed, quarantined_again: again !== undefined }, () =>
            again === undefined
              ? `${address} goes on`
              : `${address} failed again and is quarantined: ${again.code}, ${again.detail}`,
          )
          return again === undefined ? exitCodes.ok : exitCodes.failed
        }),
      ),
    )
}

/** A few restarts with their backoff; what fails later is listed by `soma quarantine`. */
const WATCHED_MS = 4_000
const LOOK_MS = 250

async function failsAgain(address: string, client: Pick<SomaClient, 'quarantine'>) {
  for (let waited = 0; waited < WATCHED_MS; waited += LOOK_MS) {
    await pause(LOOK_MS)
    const again = (await client.quarantine()).quarantine.find((entry) => entry.address === address)
    if (again !== undefined) return again
  }
  return undefined
}

function resumption({ drop, edit }: { drop?: boolean; edit?: string }) {
  if (drop && edit !== undefined) throw new UsageError('Choose one of --drop and --edit.')
  if (edit === undefined) return { action: drop ? 'drop' : 'retry' } as const
  return { action: 'edit', body: bodyOf(edit) } as const
}

function bodyOf(edit: string): unknown {
  try {
    return JSON.parse(edit)
  } catch {
    throw new UsageError('--edit is not valid JSON.')
  }
}
