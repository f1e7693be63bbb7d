import { z } from 'zod'
import { Failure } from '../kernel/failure.ts'
import type { Tool, ToolCatalogue } from './tool.ts'

/** Names that every model API takes. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/
const MAX_TIMEOUT_MS = 86_400_000

const shape = z.object({
  name: z.string().regex(NAME, 'must be 1 to 64 letters, digits, "_" or "-"'),
  description: z.string().min(1).max(10_000),
  schema: z.custom<z.ZodType>(
    (value) => typeof value === 'object' && value !== null && '_zod' in value,
    'must be a zod 4 schema',
  ),
  idempotent: z.boolean(),
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS),
  reaches: z.array(z.enum(['nothing', 'public-network', 'files', 'memory', 'sessions', 'mcp'])),
  maxOutput: z.int().min(1).max(1_000_000).optional(),
  concurrency: z.int().min(1).max(10_000).optional(),
  retry: z.object({ attempts: z.int().min(1).max(10), backoffMs: z.int().min(1).max(60_000) }).optional(),
  breaker: z
    .union([
      z.literal('none'),
      z.object({ failures: z.int().min(1).max(1_000), openSeconds: z.number().min(0.1).max(3_600) }),
    ])
    .optional(),
  run: z.custom((value) => typeof value === 'function', 'must be a function'),
  reconcile: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
})

/** The tools of this process. Throws CONFIG_INVALID for a tool that is not one, or two of one name. */
export function toolCatalogue(tools: readonly Tool[]): ToolCatalogue {
  const byName = new Map<string, { tool: Tool; parameters: Readonly<Record<string, unknown>> }>()
  for (const tool of tools) {
    checkTool(tool, `tool ${String((tool as Partial<Tool> | null)?.name)}`)
    if (byName.has(tool.name)) {
      throw new Failure('CONFIG_INVALID', `two tools are named ${tool.name}; rename one of them`)
    }
    byName.set(tool.name, { tool, parameters: parametersOf(tool) })
  }
  const list = [...byName.values()].map(({ tool }) => tool)
  return {
    get: (name) => byName.get(name)?.tool,
    list: () => list,
    parameters: (name) => byName.get(name)?.parameters ?? {},
  }
}

/** Whether a value is a tool, for those that come from files without types. `where` names it in the failure. */
export function checkTool(value: unknown, where: string): asserts value is Tool {
  const checked = shape.safeParse(value)
  if (checked.success) return
  const problems = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'export'}: ${message}`)
  throw new Failure('CONFIG_INVALID', `${where} is not a tool: ${problems.join('; ')}`)
}

function parametersOf(tool: Tool): Readonly<Record<string, unknown>> {
  try {
    // What the caller may write, so a field with a default is optional.
    const { $schema: _, ...schema } = z.toJSONSchema(tool.schema, { io: 'input' })
    if (schema.type !== 'object') throw new Error('its schema must be a z.object')
    return schema
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Failure('CONFIG_INVALID', `tool ${tool.name}: no JSON Schema can be made of its schema: ${why}`)
  }
}
