import type { Command } from 'commander'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes } from './problem.ts'
import { table } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>

/** Commands about the timers that agents set. */
export function timerCommands(program: Command, means: CliMeans, run: Run): void {
  const timers = program.command('timers').description('see and cancel the timers of a session')
  timers
    .command('list')
    .description('the timers of a session, the next one first')
    .argument('<session>', 'its id or name')
    .action((session: string, _options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { timers: all } = await client.timers(session)
          if (json) for (const timer of all) print(timer, () => '')
          else {
            const rows = all.map((it) => [
              it.timer_id,
              it.name ?? '',
              it.due,
              it.cron ?? 'once',
              it.message.slice(0, 60),
            ])
            print(all, () => table(['TIMER', 'NAME', 'DUE', 'PATTERN', 'MESSAGE'], rows))
          }
          return exitCodes.ok
        }),
      ),
    )
  timers
    .command('cancel')
    .description('cancel one')
    .argument('<session>', 'its id or name')
    .argument('<timer>', 'its id or name')
    .action((session: string, timer: string, _options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const accepted = await client.cancelTimer(session, timer)
          print(accepted, () => `accepted as ${accepted.event_id}`)
          return exitCodes.ok
        }),
      ),
    )
}
