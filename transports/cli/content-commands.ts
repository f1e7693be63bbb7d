import type { Command } from 'commander'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes } from './problem.ts'
import { table } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>

/** What a session can be made of here: personas, tools, models. */
export function contentCommands(program: Command, means: CliMeans, run: Run): void {
  program
    .command('personas')
    .description('list the personas here, and the tools each may call')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { personas, default: defaultId } = await client.personas()
          if (json) for (const persona of personas) print({ ...persona, default: persona.id === defaultId }, () => '')
          else {
            const rows = personas.map(({ id, name, tools }) => [
              id === defaultId ? `${id} (default)` : id,
              name,
              tools.map((tool) => (tool === '*' ? 'all' : tool)).join(', '),
            ])
            print(personas, () => table(['PERSONA', 'NAME', 'TOOLS'], rows))
          }
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('tools')
    .description('list the tools here; --json shows the schemas of their arguments')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { tools } = await client.tools()
          if (json) for (const tool of tools) print(tool, () => '')
          else {
            const rows = tools.map((tool) => [tool.name, tool.reaches.join(', '), tool.description])
            print(tools, () => table(['TOOL', 'REACHES', 'DOES'], rows))
          }
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('models')
    .description('list the models and personas that `model` of a completion may name')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { data } = await client.models()
          if (json) for (const model of data) print(model, () => '')
          else {
            const rows = data.map(({ id, role, owned_by }) => [id, role ?? '', owned_by])
            print(data, () => table(['MODEL', 'ROLE', 'FROM'], rows))
          }
          return exitCodes.ok
        }),
      ),
    )
}
