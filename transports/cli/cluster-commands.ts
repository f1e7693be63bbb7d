import type { Command } from 'commander'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes } from './problem.ts'
import { table } from './terminal.ts'

type Run = (promise: Promise<number>) => Promise<void>

/** A process of a cluster, and what operators see of all of them. */
export function clusterCommands(program: Command, means: CliMeans, run: Run): void {
  program
    .command('node')
    .description('run an actor node of a cluster (roles session, tool, memory); SIGTERM hands its shards over')
    .addHelpText(
      'after',
      '\nNeeds KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN; REDIS_URL shortens takeovers.\n\nExamples:\n  $ SOMA_PORT=8021 SOMA_NODE_NAME=node-1 soma node',
    )
    .action(() => run(means.serve(['session', 'tool', 'memory']).then(() => exitCodes.ok)))
  program
    .command('gateway')
    .description('run a gateway of a cluster; clients may come back to any')
    .addHelpText('after', '\nExamples:\n  $ SOMA_PORT=8010 SOMA_NODE_NAME=gateway-1 soma gateway')
    .action(() => run(means.serve(['gateway']).then(() => exitCodes.ok)))

  program
    .command('nodes')
    .description('list the processes of the cluster: roles, state, shards, what waits')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { nodes } = await client.nodes()
          if (json) for (const node of nodes) print(node, () => '')
          else {
            const rows = nodes.map((node) => [
              node.name,
              node.roles.join(','),
              node.state,
              counts(node.shards),
              String(Object.values(node.lag).reduce((sum, lag) => sum + lag, 0)),
              String(node.pid),
              node.url,
              node.started_at,
            ])
            print(nodes, () => table(['NAME', 'ROLES', 'STATE', 'SHARDS', 'LAG', 'PID', 'URL', 'SINCE'], rows, 200))
          }
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('shards')
    .description('list the shards: owner and epoch')
    .action((_options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, json, print }) => {
          const { shards } = await client.shards()
          if (json) for (const shard of shards) print(shard, () => '')
          else {
            const rows = shards.map(({ kind, shard, owner_name, epoch }) => [
              kind,
              String(shard),
              owner_name ?? 'nobody',
              String(epoch),
            ])
            print(shards, () => table(['KIND', 'SHARD', 'OWNER', 'EPOCH'], rows, 120))
          }
          return exitCodes.ok
        }),
      ),
    )

  program
    .command('drain')
    .description('let a node hand its shards over; it goes on without any until it is restarted')
    .argument('<node>', 'name or id, as `soma nodes` shows it')
    .action((node: string, _options: object, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const drained = await client.drain(node)
          print(drained, () => `${node} owns no shard any more`)
          return exitCodes.ok
        }),
      ),
    )
}

function counts(shards: Readonly<Record<string, number | undefined>>): string {
  return (
    Object.entries(shards)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ') || '-'
  )
}
