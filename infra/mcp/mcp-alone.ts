import { createActorSystem } from '../../supervisors/actor-system.ts'
import { endProcess } from '../one-process.ts'
import type { ProcessParts } from '../process-parts.ts'

/** For a gateway of a cluster, which runs no other actors: it lists the tools of MCP servers and refuses names that are none. */
export async function startMcpAlone({ content, clock, ids, log, metrics, lifecycle }: ProcessParts): Promise<void> {
  if (content.mcp.names.length === 0) return
  const system = await lifecycle.start(
    'actors',
    () => createActorSystem({ clock, ids, log, metrics, escalated: endProcess }),
    (it) => it.shutdown(),
  )
  await lifecycle.start(
    'MCP servers',
    () => content.mcp.start(system),
    (stop) => stop(),
  )
}
