import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { Failure } from '../actors/kernel/failure.ts'
import { checkTool } from '../actors/tool/catalogue.ts'
import { defineTool, type Tool } from '../actors/tool/tool.ts'

/**
 * The user's own tools: every .js and .mjs file of SOMA_TOOLS_DIR, whose default export is a tool, or a function that
 * makes one of `{ z, defineTool }`. The function is for files that live outside this project, where
 * `import { z } from 'zod'` finds nothing:
 *
 *   export default ({ z }) => ({
 *     name: 'dice', description: 'Rolls a die.', schema: z.object({ sides: z.int().min(2) }),
 *     idempotent: true, timeoutMs: 1_000, reaches: ['nothing'],
 *     run: async ({ sides }) => String(1 + Math.floor(Math.random() * sides)),
 *   })
 *
 * Read once, at start: code that runs with our rights does not change under a running node.
 */
export async function loadTools(directory: string): Promise<Tool[]> {
  const folder = resolve(directory)
  const names = await readdir(folder).catch((error: unknown) => {
    throw new Failure('CONFIG_INVALID', `SOMA_TOOLS_DIR ${folder} cannot be read: ${messageOf(error)}`)
  })
  const tools: Tool[] = []
  for (const name of names.filter((name) => /\.m?js$/.test(name)).sort()) tools.push(await loadTool(join(folder, name)))
  return tools
}

async function loadTool(file: string): Promise<Tool> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
    const exported = module.default
    const tool = typeof exported === 'function' ? await exported({ z, defineTool }) : exported
    checkTool(tool, `tool file ${file}`)
    return tool
  } catch (error) {
    if (error instanceof Failure) throw error
    const hint = /Cannot find package 'zod'/.test(messageOf(error))
      ? ' (export a function instead: `export default ({ z }) => ({ … })`)'
      : ''
    throw new Failure('CONFIG_INVALID', `tool file ${file} cannot be loaded: ${messageOf(error)}${hint}`, {
      cause: error,
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
