import type { z } from 'zod'
import type { Address } from '../kernel/address.ts'
import type { Outgoing } from '../kernel/behaviour.ts'

/**
 * A tool: one typed object in a file of its own. The schema validates the arguments and is what the model reads.
 *
 *   export default defineTool({ name: 'echo', …, schema: z.object({ text: z.string() }), run: async ({ text }) => text })
 */
export interface Tool<Schema extends z.ZodType = z.ZodType, Outcome extends string | Deferred = string | Deferred> {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  /** Whether running it twice is the same as once. A call that a crash interrupted runs again only if so. */
  readonly idempotent: boolean
  readonly timeoutMs: number
  /** What it may reach, shown to operators and given to policy. */
  readonly reaches: readonly ('nothing' | 'public-network' | 'files' | 'memory' | 'sessions')[]
  /** Output beyond this many characters is cut, and says so. Default 16,000. */
  readonly maxOutput?: number
  /** Its output, or `deferred(…)` when the outcome will come as a message. */
  run(args: z.infer<Schema>, context: ToolContext): Promise<Outcome>
  /**
   * For tools that are not idempotent: whether the call that a crash interrupted took effect. Returns its output when
   * it did, `not-run` when it surely did not (it then runs again), `unknown` otherwise.
   */
  reconcile?(args: z.infer<Schema>, context: ToolContext): Promise<{ output: string } | 'not-run' | 'unknown'>
}

/**
 * The outcome comes as a message: a `Settle` to the call's address (protocol.ts), once, from `settledBy`. Until then the
 * call runs on without a slot, through crashes and moves, up to the tool's `timeoutMs` from its start.
 */
export interface Deferred {
  readonly kind: 'deferred'
  /** Whose Settle counts; anybody else's changes nothing. */
  readonly settledBy: readonly (Address | 'gateway')[]
  /** Written with the deferral and sent after it: once, whatever crashes (I4). */
  readonly send: readonly Outgoing[]
  /** Sent when the call is cancelled or times out: whoever was to settle it need not go on. */
  readonly ifAbandoned?: readonly Outgoing[]
}

export function deferred(how: Omit<Deferred, 'kind'>): Deferred {
  return { kind: 'deferred', ...how }
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
}

export function defineTool<Schema extends z.ZodType, Outcome extends string | Deferred>(
  tool: Tool<Schema, Outcome>,
): Tool<Schema, Outcome> {
  return tool
}

/** The tools of this process, by name. */
export interface ToolCatalogue {
  get(name: string): Tool | undefined
  list(): readonly Tool[]
  /** JSON Schema of a tool's arguments, made once. */
  parameters(name: string): Readonly<Record<string, unknown>>
}
