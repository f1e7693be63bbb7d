import type { z } from 'zod'
import type { Tool } from './tool.ts'

export type CheckedArguments =
  | { readonly ok: true; readonly args: unknown }
  | { readonly ok: false; readonly problems: readonly string[] }

const MAX_PROBLEMS = 10

/** Arguments against a tool's schema. Never throws: a schema that does is a problem that the model can be told of. */
export function validateArguments(tool: Tool, args: unknown): CheckedArguments {
  try {
    const parsed = tool.schema.safeParse(args ?? {})
    return parsed.success
      ? { ok: true, args: parsed.data }
      : { ok: false, problems: parsed.error.issues.slice(0, MAX_PROBLEMS).map(describe) }
  } catch (error) {
    // An asynchronous refinement, or one that throws.
    return { ok: false, problems: [`the schema itself failed: ${error instanceof Error ? error.message : error}`] }
  }
}

function describe(issue: z.core.$ZodIssue): string {
  const field = issue.path.map(String).join('.')
  return field === '' ? issue.message : `${field}: ${issue.message}`
}
