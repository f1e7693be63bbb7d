import type { Tool, ToolCatalogue } from '../tool/tool.ts'
import { type OfferedTool, serverOf } from './offered-tools.ts'
import type { ServerDoor } from './server-door.ts'

/** The tools of this process, with those that its MCP servers offer at this moment. Our own win a shared name. */
export function withMcpTools(own: ToolCatalogue, doors: readonly ServerDoor[]): ToolCatalogue {
  const byName = new Map(doors.map((door) => [door.server.name, door]))

  function offered(name: string): OfferedTool | undefined {
    return byName.get(serverOf(name) ?? '')?.tools.find((tool) => tool.name === name)
  }

  return {
    get: (name): Tool | undefined => own.get(name) ?? offered(name) ?? byName.get(serverOf(name) ?? '')?.promised(name),
    list: () => [...own.list(), ...doors.flatMap((door) => door.tools.filter((tool) => !own.get(tool.name)))],
    parameters: (name) => (own.get(name) ? own.parameters(name) : (offered(name)?.parameters ?? {})),
  }
}
