import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Tool, ToolContext } from '../tool/tool.ts'
import type { ArgumentChecks } from './json-schema.ts'
import type { McpServer, ServerTool } from './protocol.ts'

/** A server's tool as ours: same policy, limits, journal and outcomes as any other. */
export interface OfferedTool extends Tool {
  /** The server's own schema: what the model reads. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** As the server calls it. */
  readonly serverName: string
}

export interface Offer {
  readonly tools: readonly OfferedTool[]
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[]
}

/** Runs a call of the server's tool. */
export type CallTool = (tool: ServerTool, idempotent: boolean, args: unknown, context: ToolContext) => Promise<string>

const SEPARATOR = '__'
const MAX_NAME = 64
const MAX_TOOLS = 256
const MAX_SCHEMA_CHARS = 65_536
const MAX_DESCRIPTION = 4_000

/** Schemas are compiled a few at a time, in some milliseconds each: sessions of this process go on in between. */
const COMPILED_AT_ONCE = 8

/** Each tool that the server lists becomes one of ours, or is left out with a reason: nothing is dropped in silence. */
export async function offerOf(
  server: McpServer,
  listed: readonly ServerTool[],
  checks: ArgumentChecks,
  call: CallTool,
): Promise<Offer> {
  const tools = new Map<string, OfferedTool>()
  const leftOut: { name: string; reason: string }[] = []
  for (const tool of listed) {
    const refuse = (reason: string) => leftOut.push({ name: tool.name.slice(0, 200), reason })
    const name = toolNameOf(server.name, tool.name)
    if (tool.broken !== undefined) refuse(tool.broken)
    else if (!server.offers(tool.name)) refuse('not among the `tools` of its configuration')
    else if (tools.size === MAX_TOOLS) refuse(`a server may offer ${MAX_TOOLS} tools; name those you want in \`tools\``)
    else if (tools.has(name)) refuse(`two of its tools would be named ${name}`)
    else {
      try {
        tools.set(name, offered(server, tool, name, checks, call))
        if (tools.size % COMPILED_AT_ONCE === 0) await setImmediate()
      } catch (error) {
        refuse(`its schema cannot be used: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300))
      }
    }
  }
  return { tools: [...tools.values()], leftOut }
}

function offered(
  server: McpServer,
  tool: ServerTool,
  name: string,
  checks: ArgumentChecks,
  call: CallTool,
): OfferedTool {
  if (JSON.stringify(tool.inputSchema).length > MAX_SCHEMA_CHARS) {
    throw new Error(`it is longer than ${MAX_SCHEMA_CHARS} characters`)
  }
  if (tool.inputSchema.type !== 'object') throw new Error('it is not of type object')
  const { $schema: _, ...parameters }: Record<string, unknown> = { properties: {}, ...tool.inputSchema }
  const idempotent = server.idempotent(tool.name) ?? (tool.readOnly || tool.idempotent)
  return {
    name,
    description: (tool.description.trim() || `${tool.name} of the MCP server ${server.name}.`).slice(
      0,
      MAX_DESCRIPTION,
    ),
    schema: checks(tool.inputSchema),
    parameters,
    serverName: tool.name,
    idempotent,
    timeoutMs: server.timeoutMs,
    reaches: ['mcp'],
    maxOutput: server.maxOutput,
    run: (args, context) => call(tool, idempotent, args, context),
  }
}

/** Model APIs take letters, digits, `_` and `-`, at most 64; a name that is too long keeps its start and a hash of all. */
export function toolNameOf(server: string, tool: string): string {
  const name = `${server}${SEPARATOR}${tool.replace(/[^a-zA-Z0-9_-]/g, '_')}`
  if (name.length <= MAX_NAME) return name
  const hash = createHash('sha256').update(tool).digest('hex').slice(0, 8)
  return `${name.slice(0, MAX_NAME - hash.length - 1)}_${hash}`
}

/** Which server a tool's name would be of. */
export function serverOf(toolName: string): string | undefined {
  const end = toolName.indexOf(SEPARATOR)
  return end > 0 ? toolName.slice(0, end) : undefined
}
