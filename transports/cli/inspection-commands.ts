import { Argument, type Command, Option } from 'commander'
import { type CliMeans, withService } from './command-context.ts'
import type { DryRunAnswer, PendingAnswer } from './inspection-answers.ts'
import { exitCodes, UsageError } from './problem.ts'
import { wholeNumber } from './session-commands.ts'
import { type Paint, shorten } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>

interface InjectionOptions {
  readonly role: string
  readonly call?: string
  readonly turn?: string
  readonly alsoQueued?: boolean
}

interface StepOptions {
  readonly why?: string
  readonly text?: string
  readonly position?: number
  readonly args?: string
  readonly call?: string
}

interface DryRunOptions extends InjectionOptions {
  readonly text?: string
  readonly message?: string
  readonly at?: number
  readonly steps: number
  readonly tokens: number
  readonly seconds: number
}

const WIDTH = 200

/** Commands to debug one session (scope admin). */
export function inspectionCommands(program: Command, means: CliMeans, run: Run): void {
  const injecting = (command: Command) =>
    command
      .addOption(
        new Option('--role <role>', 'whose words they are; control: the text is a command')
          .choices(['user', 'system', 'tool', 'control'])
          .default('system'),
      )
      .option('--call <id>', 'the tool call that a tool message answers')
      .option('--turn <id>', 'the turn that a control stop ends')
      .option('--also-queued', 'a control stop ends the waiting turns too')

  injecting(
    program
      .command('inject')
      .description('put a message into a session, to debug it (scope admin)')
      .argument('<session>', 'its id or name')
      .argument('<content>', 'the text; of a control message: stop, pause, resume, nudge, reset or persona:ID'),
  )
    .requiredOption('--why <reason>', 'kept in the journal, with who you are')
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma inject 0b6f2c1e-… "Answer in French." --why "ticket 4711"\n  $ soma inject 0b6f2c1e-… stop --role control --why "runs away"',
    )
    .action((session: string, content: string, options: InjectionOptions & { why: string }, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const accepted = await client.command(session, 'inject', { ...injection(content, options), why: options.why })
          print(accepted, () => `injected as ${accepted.event_id}`)
          return exitCodes.ok
        }),
      ),
    )

  injecting(
    program
      .command('dry-run')
      .description('see what an injected message would change, in a fork that touches nothing (scope admin)')
      .argument('<session>', 'its id or name'),
  )
    .option('--text <text>', 'the injected text; of a control message, the command')
    .option('--message <text>', 'words of the user that follow, in both runs')
    .option('--at <seq>', 'fork after this event of the journal (default: the newest)', wholeNumber)
    .option('--steps <count>', 'model calls of each run, at most', wholeNumber, 10)
    .option('--tokens <count>', 'tokens of each run, at most', wholeNumber, 50_000)
    .option('--seconds <count>', 'of each run, at most', wholeNumber, 60)
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma dry-run SESSION --text "Answer in French." --message "Hello"\n  $ soma dry-run SESSION --role user --text "and in short?" --at 12',
    )
    .action((session: string, options: DryRunOptions, command: Command) =>
      run(
        withService(command, means, async ({ client, print, paint }) => {
          const { text, message, at, steps, tokens, seconds } = options
          if (text === undefined && message === undefined) throw new UsageError('Give --text, --message, or both.')
          const answer = await client.dryRun(session, {
            limits: { steps, tokens, seconds },
            ...(text !== undefined && { inject: { ...injection(text, options), why: 'dry run' } }),
            ...(message !== undefined && { message }),
            ...(at !== undefined && { at }),
          })
          print(answer, () => dryRunText(answer, paint))
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('step')
    .description('step mode: hold a session before every model call and tool call (scope admin)')
    .argument('<session>', 'its id or name')
    .addArgument(new Argument('<action>', 'what to do').choices(['on', 'off', 'show', 'edit', 'next']))
    .option('--why <reason>', 'kept in the journal (on, off, edit)')
    .option('--text <text>', 'edit: the new words of the pending message')
    .option('--position <number>', 'edit: which message, as show numbers them (default: the last)', wholeNumber)
    .option('--args <json>', 'edit: the new arguments of the pending tool call')
    .option('--call <id>', 'edit: which call (default: the first)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma step SESSION on --why "ticket 4711"\n  $ soma step SESSION show\n  $ soma step SESSION edit --text "better words" --why "typo"\n  $ soma step SESSION next',
    )
    .action((session: string, action: string, options: StepOptions, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          if (action === 'show') {
            const answer = await client.pending(session)
            print(answer, () => pendingText(answer))
            return exitCodes.ok
          }
          if (action === 'next') {
            const accepted = await client.command(session, 'step')
            print(accepted, () => `accepted as ${accepted.event_id}`)
            return exitCodes.ok
          }
          const { why } = options
          if (why === undefined)
            throw new UsageError(`\`step ${action}\` needs --why "reason": the journal keeps who did it and why.`)
          const accepted =
            action === 'edit'
              ? await client.editPending(session, editOf(await client.pending(session), { ...options, why }))
              : await client.command(session, 'step-mode', { on: action === 'on', why })
          print(accepted, () => `accepted as ${accepted.event_id}`)
          return exitCodes.ok
        }),
      ),
    )
}

function injection(content: string, { role, call, turn, alsoQueued }: InjectionOptions): object {
  if (role === 'tool') {
    if (!call) throw new UsageError('A tool message needs --call.')
    return { role, content, call_id: call }
  }
  if (role !== 'control') return { role, content }
  const [command, persona] = content.split(':', 2)
  return {
    role,
    command,
    ...(persona !== undefined && { persona_id: persona }),
    ...(turn !== undefined && { turn_id: turn }),
    ...(alsoQueued !== undefined && { also_queued: alsoQueued }),
  }
}

function editOf(
  { pending }: PendingAnswer,
  { text, position, args, call, why }: StepOptions & { why: string },
): object {
  if ((text === undefined) === (args === undefined)) throw new UsageError('edit needs one of --text and --args.')
  const hold = pending === null ? {} : { hold: pending.hold }
  if (text !== undefined) {
    return { ...hold, position: position ?? pending?.messages.at(-1)?.position ?? 0, content: text, why }
  }
  try {
    return { ...hold, call_id: call ?? pending?.calls[0]?.call_id ?? '-', arguments: JSON.parse(args ?? ''), why }
  } catch {
    throw new UsageError('--args is not valid JSON.')
  }
}

function pendingText({ step_mode, paused, pending }: PendingAnswer): string {
  const mode = `step mode is ${step_mode ? 'on' : 'off'}${paused ? '; the session is paused' : ''}`
  if (!pending) return `${mode}; nothing waits`
  const before = pending.before === 'model' ? 'the model is about to read' : 'about to be called'
  const lines =
    pending.before === 'model'
      ? pending.messages.map(({ position, message }) => `  ${position}  ${message.role}: ${message.content}`)
      : pending.calls.map(({ call_id, tool, arguments: args }) => `  ${tool} ${args}  (${call_id})`)
  return [`${mode}; hold ${pending.hold} since ${pending.since}, ${before}:`, ...lines].join('\n')
}

function dryRunText({ at, baseline, fork, difference }: DryRunAnswer, paint: Paint): string {
  const side = (name: string, one: DryRunAnswer['fork']) => {
    const { prompt_tokens, completion_tokens, cost_usd } = one.usage
    const ended = [one.ended, one.outcome].filter(Boolean).join(', ')
    const cost = `${one.model_calls} model calls, ${prompt_tokens + completion_tokens} tokens, $${cost_usd.toFixed(6)}`
    const calls = one.tool_calls.map(
      ({ tool, args, status, from }) => `  ${tool} ${shorten(JSON.stringify(args), WIDTH)}: ${status} (${from})`,
    )
    return [`${name} (${one.source}): ${ended}; ${cost}`, ...calls]
  }
  const marks = { '=': ' ', '-': '-', '+': '+' } as const
  const colors = { '=': paint.dim, '-': paint.red, '+': paint.green } as const
  return [
    `forked after event ${at}; nothing was touched, no tool ran, the tokens are booked on no budget`,
    ...side('baseline', baseline),
    ...side('fork', fork),
    difference.changed ? 'the outcome differs:' : 'the outcome is the same:',
    ...difference.text.map(({ op, line }) => colors[op](`${marks[op]} ${line}`)),
  ].join('\n')
}
