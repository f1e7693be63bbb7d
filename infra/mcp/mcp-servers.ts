import type { ActorRecipe, ActorSystem } from '../../actors/kernel/actor.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { withMcpTools } from '../../actors/mcp/catalogue.ts'
import type { McpServers } from '../../actors/mcp/protocol.ts'
import { mcpServerActor } from '../../actors/mcp/server-actor.ts'
import { ServerDoor } from '../../actors/mcp/server-door.ts'
import type { ToolCatalogue } from '../../actors/tool/tool.ts'
import { holder, mcpServer } from '../../supervisors/tree.ts'
import { mcpConnections } from '../../transports/mcp/connection.ts'
import type { Environment } from '../config/environment.ts'
import { ownAddresses } from '../own-addresses.ts'
import { version } from '../package-root.ts'
import { guardedMcpFetch } from './guarded-mcp-fetch.ts'
import { readMcpFile } from './mcp-file.ts'

/** The MCP servers of this process: known from the start, connected once there is a system of actors to supervise them. */
export class ConfiguredMcpServers implements McpServers {
  readonly #doors: readonly ServerDoor[]
  readonly #means: { readonly clock: Clock; readonly log: Logger; readonly allow: readonly string[] }

  constructor(
    config: { readonly file: string; readonly environment: Environment } | undefined,
    means: { readonly clock: Clock; readonly log: Logger; readonly allow: readonly string[] },
  ) {
    this.#doors = config ? readMcpFile(config.file, config.environment).map((server) => new ServerDoor(server)) : []
    this.#means = means
  }

  get names(): readonly string[] {
    return this.#doors.map(({ server }) => server.name)
  }

  list() {
    return this.#doors.map((door) => door.view())
  }

  /** Whether a tool of this name may still appear. */
  promises(tool: string): boolean {
    return this.names.some((name) => tool.startsWith(`${name}__`))
  }

  catalogue(own: ToolCatalogue): ToolCatalogue {
    return this.#doors.length === 0 ? own : withMcpTools(own, this.#doors)
  }

  /** Returns at once: no server is waited for. They stop with the system, or when the returned function is called. */
  start(system: ActorSystem): () => Promise<void> {
    if (this.#doors.length === 0) return async () => {}
    const { clock, log, allow } = this.#means
    const fetches = new Map(
      this.#doors.flatMap(({ server: { name, way } }) =>
        way.kind === 'http' ? [[name, guardedMcpFetch([...allow, ...way.allow], ownAddresses)] as const] : [],
      ),
    )
    const open = mcpConnections({
      version,
      clock,
      log,
      fetchFor: ({ name }) => (fetches.get(name) as ReturnType<typeof guardedMcpFetch>).fetch,
    })
    const holding: ActorRecipe<never, undefined> = {
      type: 'kind',
      capacity: 1,
      start: () => undefined,
      receive: () => undefined,
    }
    const parent = system.spawn(undefined, 'mcp', holding, { supervision: holder })
    for (const door of this.#doors) {
      const recipe = mcpServerActor({
        door,
        open,
        tell: (ref, message, priority) => system.tell(ref, message, priority),
      })
      system.spawn(parent, door.server.name, recipe, {
        supervision: mcpServer,
        // What it told itself of its connection; the failure is logged by its supervisor, and calls have their own answer.
        onDead: () => {},
      })
    }
    return async () => {
      await system.stop(parent)
      await Promise.all([...fetches.values()].map((it) => it.close()))
    }
  }
}
