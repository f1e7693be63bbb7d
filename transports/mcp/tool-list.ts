import { ToolSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { Failure } from '../../actors/kernel/failure.ts'
import type { ServerTool } from '../../actors/mcp/protocol.ts'
import { issuesIn } from './reasons.ts'

const MAX_PAGES = 50
/** Of all pages together; only a few hundred are offered, but `tools` of the configuration may choose among more. */
const MAX_TOOLS = 10_000
const MAX_CHARS = 32 * 1024 * 1024

/** Its tools are looked at one by one: one that is wrong costs itself and not the others. */
export const toolPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() })

/** All pages. Throws MCP_UNAVAILABLE for a list that has no end, or is larger than anybody can use. */
export async function listTools(
  ask: (params: { cursor?: string }) => Promise<z.infer<typeof toolPage>>,
): Promise<readonly ServerTool[]> {
  const tools: ServerTool[] = []
  let chars = 0
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const listed = await ask(cursor === undefined ? {} : { cursor })
    if (tools.length + listed.tools.length > MAX_TOOLS) throw tooMuch(`${MAX_TOOLS} tools`)
    for (const tool of listed.tools) {
      chars += sizeOf(tool)
      tools.push(serverTool(tool))
    }
    if (chars > MAX_CHARS) throw tooMuch(`${MAX_CHARS} characters`)
    cursor = listed.nextCursor
    if (cursor === undefined) return tools
  }
  throw tooMuch(`${MAX_PAGES} pages`)
}

function serverTool(listed: unknown): ServerTool {
  const { data, error } = ToolSchema.safeParse(listed)
  if (error) {
    const { name } = (listed ?? {}) as { name?: unknown }
    const broken = issuesIn(error) as string
    const nothing = { description: '', inputSchema: {}, readOnly: false, idempotent: false }
    return { name: typeof name === 'string' ? name : '(no name)', ...nothing, broken }
  }
  const { name, description = '', inputSchema, annotations = {} } = data
  const readOnly = annotations.readOnlyHint === true
  const idempotent = annotations.idempotentHint === true && annotations.destructiveHint !== true
  return { name, description, inputSchema, readOnly, idempotent }
}

/** Nested deeper than it can be written, it is left out by whoever looks at its schema. */
function sizeOf(tool: unknown): number {
  try {
    return JSON.stringify(tool).length
  } catch {
    return 0
  }
}

function tooMuch(what: string): Failure {
  return new Failure('MCP_UNAVAILABLE', `its list of tools has more than ${what}`)
}
