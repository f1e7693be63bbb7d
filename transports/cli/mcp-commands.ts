import type { Command } from 'commander'
import type { Clock } from '../../actors/kernel/clock.ts'
import { bridgeStdio } from '../mcp/stdio-bridge.ts'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes } from './problem.ts'
import { table } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>

/** MCP both ways: the servers whose tools agents use, and our own server for a client that starts programs. */
export function mcpCommands(program: Command, means: CliMeans, run: Run): void {
  const mcp = program.command('mcp').description('MCP servers that agents use, and our own for other clients')
  mcp.addHelpText(
    'after',
    '\nExamples:\n  $ soma mcp\n  $ soma --json mcp\n  $ soma mcp serve    # what an MCP client starts',
  )
  mcp
    .command('list', { isDefault: true })
    .description('the configured servers: state, tools, restarts; --json shows every tool')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { servers } = await client.mcpServers()
          if (json) for (const server of servers) print(server, () => '')
          else if (servers.length === 0) print([], () => 'no MCP servers are configured (docs/MCP.md)')
          else {
            const rows = servers.map(({ name, state, restarts, target, tools, left_out, trouble }) => [
              name,
              state,
              String(restarts),
              left_out.length === 0 ? String(tools.length) : `${tools.length} (${left_out.length} left out)`,
              target,
              trouble ?? '',
            ])
            print(servers, () => table(['SERVER', 'STATE', 'RESTARTS', 'TOOLS', 'TARGET', 'TROUBLE'], rows, 160))
          }
          return exitCodes.ok
        }),
      ),
    )
  mcp
    .command('serve')
    .description('speak MCP on stdin and stdout, for the service at --url')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, terminal }) => {
          await bridgeStdio({
            input: terminal.input,
            output: terminal.output,
            post: (message, key, signal) => client.mcp(message, key, signal),
            newKey: means.newKey,
            warn: (text) => void terminal.errors.write(`${text}\n`),
            clock: wallClock,
          })
          return exitCodes.ok
        }),
      ),
    )
}

/** A command waits like a person does: by the wall. */
const wallClock: Clock = {
  now: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
}
