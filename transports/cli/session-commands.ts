import { Argument, type Command, InvalidArgumentError } from 'commander'
import { type ChatOptions, chat } from './chat.ts'
import { type CliMeans, withService } from './command-context.ts'
import { journalLine } from './journal-line.ts'
import { exitCodes, UsageError } from './problem.ts'
import { type SendOptions, send } from './send.ts'
import { readAll, table } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>

/** Commands about conversations. */
export function sessionCommands(program: Command, means: CliMeans, run: Run): void {
  program
    .command('chat')
    .description('talk to an agent; streams the answer and shows its tool calls')
    .option('-s, --session <id>', 'go on with this session; a name of your own works too')
    .option('-p, --persona <id>', 'persona of a new session')
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma chat\n  $ soma chat --session release-notes --persona analyst\n  $ SOMA_AGENT_MODE=LOCAL soma chat    # no server needed',
    )
    .action((options: ChatOptions, command: Command) =>
      run(withService(command, means, (context) => chat(context, options))),
    )

  program
    .command('send')
    .description('send one message, wait for the answer and print it')
    .argument('<message>', 'the text, or - to read it from standard input')
    .option('-s, --session <id>', 'session to send to; a new one by default')
    .option('-p, --persona <id>', 'persona of a new session')
    .option('--no-wait', 'return as soon as the message is durable')
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma send "what time is it?"\n  $ git diff | soma send - --session review\n  $ soma send hello --json | jq -r .message',
    )
    .action((message: string, options: SendOptions, command: Command) =>
      run(
        withService(command, means, async (context) => {
          const text = message === '-' ? await readAll(means.terminal.input as AsyncIterable<string>) : message
          if (text.trim() === '') throw new UsageError('The message is empty.')
          return send(context, text, options)
        }),
      ),
    )

  program
    .command('sessions')
    .description('list sessions, newest first')
    .option('-n, --limit <count>', 'how many', wholeNumber, 20)
    .option('--search <text>', 'only those whose title holds this text')
    .addHelpText('after', '\nExamples:\n  $ soma sessions\n  $ soma sessions --json | jq -r .session_id')
    .action((options: { limit: number; search?: string }, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { sessions } = await client.sessions(options)
          if (json) for (const session of sessions) print(session, () => '')
          else {
            const rows = sessions.map((s) => [s.session_id, s.state, s.persona_id, s.updated_at, s.title ?? ''])
            print(sessions, () => table(['SESSION', 'STATE', 'PERSONA', 'UPDATED', 'TITLE'], rows))
          }
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('show')
    .description('print the journal of a session: what happened, in order')
    .argument('<session>', 'its id or name')
    .option('--after <seq>', 'only events after this one', wholeNumber, 0)
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma show 0b6f2c1e-…\n  $ soma show release-notes --json | jq .payload.type',
    )
    .action((session: string, { after }: { after: number }, command: Command) =>
      run(
        withService(command, means, async ({ client, print, paint }) => {
          for await (const entry of client.journal(session, after)) {
            const at = paint.dim(entry.occurred_at.slice(11, 23))
            const type = entry.payload.type.padEnd(20)
            print(entry, () =>
              `${String(entry.id).padStart(5)}  ${at}  ${type}  ${journalLine(entry.payload)}`.trimEnd(),
            )
          }
          return exitCodes.ok
        }),
      ),
    )

  const steer = new Argument('<session>', 'its id or name')
  for (const [name, description, path, body] of [
    ['stop', 'stop the running turn at once; its text is kept', 'stop', {}],
    ['pause', 'pause a session between steps', 'pause', { paused: true }],
    ['resume', 'let a paused session go on', 'pause', { paused: false }],
  ] as const) {
    program
      .command(name)
      .description(description)
      .addArgument(steer)
      .action((session: string, _options: object, command: Command) =>
        run(
          withService(command, means, async ({ client, print }) => {
            // Asked before: what is stopped then runs no longer. Told all the same, as a turn may be about to begin.
            const idle = name === 'stop' && (await client.session(session)).running_turn_id === null
            const accepted = await client.command(session, path, body)
            print(accepted, () => (idle ? 'nothing is running' : `accepted as ${accepted.event_id}`))
            return exitCodes.ok
          }),
        ),
      )
  }
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is no whole number.')
  return Number(text)
}
