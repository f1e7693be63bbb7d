import { type Command, InvalidArgumentError } from 'commander'
import type { SomaClient } from './client.ts'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes, UsageError } from './problem.ts'
import { wholeNumber } from './session-commands.ts'
import { readAll, table } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>
type Listed = Awaited<ReturnType<SomaClient['memories']>>['memories'][number]

interface Place {
  readonly namespace?: string
}

/** What the tenant remembers. */
export function memoryCommands(program: Command, means: CliMeans, run: Run): void {
  const memory = program.command('memory').description('remember, recall, forget and list what agents share')

  memory
    .command('remember')
    .description('remember a text; returns when it is durable and found by recall')
    .argument('<text>', 'the text, or - to read it from standard input')
    .option('-k, --key <key>', 'its name; the same key replaces')
    .option('-n, --namespace <name>', 'where; default when left out, wm is the working memory')
    .option('-t, --tag <tag...>', 'words to find it by')
    .option('-i, --importance <number>', '0 to 1', share)
    .option('--ttl <seconds>', 'forget it by itself after so long', wholeNumber)
    .action((given: string, options: Place & RememberOptions, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const text = given === '-' ? await readAll(means.terminal.input as AsyncIterable<string>) : given
          if (text.trim() === '') throw new UsageError('The text is empty.')
          const { key, namespace, tag, importance, ttl } = options
          const kept = await client.remember({ text, key, namespace, tags: tag, importance, ttl_seconds: ttl })
          print(kept, () => {
            if (kept.duplicate_of !== null) return `known already as ${kept.namespace}/${kept.duplicate_of}`
            return `${kept.replaced ? 'replaced' : 'remembered'} ${kept.namespace}/${kept.key}`
          })
          return exitCodes.ok
        }),
      ),
    )

  memory
    .command('recall')
    .description('find what is remembered, best first')
    .argument('<query>', 'what to look for')
    .option('-n, --namespace <name>', 'only there; everywhere when left out')
    .option('-l, --limit <count>', 'how many', wholeNumber, 10)
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma memory recall "what does the user drink"\n  $ soma memory recall tea --json',
    )
    .action((query: string, options: Place & { limit: number }, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print, terminal }) => {
          const { namespace, limit } = options
          const { results, warnings } = await client.recall({ query, namespace, top_k: limit })
          if (json) for (const one of results) print(one, () => '')
          else {
            const rows = results.map((one) => [one.score.toFixed(2), ...rowOf(one)])
            print(results, () => table(['SCORE', 'NAMESPACE', 'KEY', 'UPDATED', 'TEXT'], rows))
          }
          for (const warning of warnings) terminal.errors.write(`${warning}\n`)
          return exitCodes.ok
        }),
      ),
    )

  memory
    .command('forget')
    .description('forget by keys')
    .argument('<key...>', 'keys, as list and recall show them')
    .option('-n, --namespace <name>', 'where; default when left out')
    .action((keys: string[], { namespace }: Place, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const gone = await client.forget({ keys, namespace })
          print(gone, () => (gone.forgotten === 0 ? 'there was nothing' : `forgotten: ${gone.keys.join(', ')}`))
          return exitCodes.ok
        }),
      ),
    )

  memory
    .command('list')
    .description('list what is remembered, newest first')
    .option('-n, --namespace <name>', 'only there')
    .option('--search <text>', 'only what holds this text')
    .option('-l, --limit <count>', 'how many', wholeNumber, 20)
    .action((options: Place & { search?: string; limit: number }, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { memories } = await client.memories(options)
          if (json) for (const one of memories) print(one, () => '')
          else print(memories, () => table(['NAMESPACE', 'KEY', 'UPDATED', 'TEXT'], memories.map(rowOf)))
          return exitCodes.ok
        }),
      ),
    )
}

interface RememberOptions {
  readonly key?: string
  readonly tag?: string[]
  readonly importance?: number
  readonly ttl?: number
}

const SHOWN = 80

function rowOf({ namespace, key, updated_at, text }: Listed): string[] {
  const line = text.replace(/\s+/g, ' ')
  return [namespace, key, updated_at, line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line]
}

function share(text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !(number >= 0 && number <= 1))
    throw new InvalidArgumentError('It is no number from 0 to 1.')
  return number
}
