import type { z } from 'zod'

/**
 * A tool: one typed object in a file of its own. The schema validates the arguments and is what the model reads.
 *
 *   export default defineTool({ name: 'echo', …, schema: z.object({ text: z.string() }), run: async ({ text }) => text })
 */
export interface Tool<Schema extends z.ZodType = z.ZodType> {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  /** Whether running it twice is the same as once. A call that a crash interrupted runs again only if so. */
  readonly idempotent: boolean
  readonly timeoutMs: number
  /** What it may reach, shown to operators and given to policy. */
  readonly reaches: readonly ('nothing' | 'public-network' | 'files' | 'memory' | 'sessions' | 'mcp')[]
  /** Output beyond this many characters is cut, and says so. Default 16,000. */
  readonly maxOutput?: number
  run(args: z.infer<Schema>, context: ToolContext): Promise<string>
  /**
   * For tools that are not idempotent: whether the call that a crash interrupted took effect. Returns its output when
   * it did, `not-run` when it surely did not (it then runs again), `unknown` otherwise.
   */
  reconcile?(args: z.infer<Schema>, context: ToolContext): Promise<{ output: string } | 'not-run' | 'unknown'>
}

export interface ToolContext {
  /** The call's address id: the same for every attempt, so a tool can hand it on as an idempotency key. */
  readonly callId: string
  readonly tenant: string
  readonly sessionId: string
  readonly personaId: string
  readonly signal: AbortSignal
  readonly now: () => number
  /** W3C traceparent of this run, for what the tool calls. */
  readonly traceparent?: string | undefined
  /** Tells whoever follows the session how far it is. A preview: not journaled, and it may be lost. */
  readonly progress?: (told: { readonly text?: string; readonly fraction?: number }) => void
}

export function defineTool<Schema extends z.ZodType>(tool: Tool<Schema>): Tool<Schema> {
  return tool
}

/** The tools of this process, by name. */
export interface ToolCatalogue {
  get(name: string): Tool | undefined
  list(): readonly Tool[]
  /** JSON Schema of a tool's arguments, made once. */
  parameters(name: string): Readonly<Record<string, unknown>>
}
