import type { Clock } from '../kernel/clock.ts'
import type { ToolStanding } from '../kernel/tool-standing.ts'
import { Breakers, defaultBreaker } from './breaker.ts'
import type { Invocation } from './events.ts'
import type { EndOfRun, Refusal } from './results.ts'
import { type LineLimits, type SlotRequest, Slots } from './slots.ts'
import type { Tool } from './tool.ts'
import type { ToolMetrics } from './tool-metrics.ts'
import type { ToolSwitchboard } from './tool-switches.ts'
import type { Work } from './work.ts'

export interface AdmissionParts {
  /** Calls of one tool at once, where it does not say itself. */
  readonly concurrency: number
  readonly waiting: LineLimits
  readonly switches: ToolSwitchboard
  readonly metrics: ToolMetrics
}

/**
 * Whether a call may run now in this process: switched on, its breaker closed, a slot free. Asked before policy is, so that
 * a decision is fresh when the tool starts; asked again by an activation that took the call over.
 */
export class Admission {
  readonly #parts: AdmissionParts
  readonly #slots: Slots
  readonly #breakers: Breakers

  constructor(parts: AdmissionParts, now: () => number) {
    const { metrics, waiting } = parts
    this.#parts = parts
    this.#slots = new Slots(waiting, now, (tool, change) => metrics.waiting(tool, change))
    this.#breakers = new Breakers(now, (tool, change) => metrics.circuit(tool, change))
  }

  /** Waits for a slot at most the tool's own time. Work that was `begun` before is not refused for the length of the line. */
  async admit(
    tool: Tool,
    { tenant, sessionId }: Pick<Invocation, 'tenant' | 'sessionId'>,
    work: Work,
    clock: Clock,
    begun: boolean,
  ): Promise<'admitted' | Refusal> {
    if (work.admitted) return 'admitted'
    const refusal =
      this.#shut(tool, tenant) ?? (await this.#slot(tool, { tenant, session: sessionId, begun }, work, clock))
    if (refusal) this.#parts.metrics.refused(tool.name, refusal.kind)
    return refusal ?? 'admitted'
  }

  standing(tool: string, tenant: string): ToolStanding {
    const breaker = this.#breakers.stateOf(tool, tenant)
    return { tool, breaker, running: this.#slots.running(tool), waiting: this.#slots.waiting(tool) }
  }

  /** Without a place in line. */
  #shut(tool: Tool, tenant: string): Refusal | undefined {
    const off = this.#parts.switches.off(tool.name, tenant)
    if (off) return { kind: 'disabled', why: off.why }
    return this.#breakerOf(tool, tenant)?.refusal()
  }

  async #slot(
    tool: Tool,
    who: Pick<SlotRequest, 'tenant' | 'session' | 'begun'>,
    work: Work,
    clock: Clock,
  ): Promise<Refusal | undefined> {
    const { tenant } = who
    const request = { tool: tool.name, limit: tool.concurrency ?? this.#parts.concurrency, ...who }
    const slot = await work.hold(this.#slots, request, tool.timeoutMs, clock)
    if (slot === 'none') return { kind: 'no-slot', waitedMs: tool.timeoutMs }
    if (slot !== 'taken') return slot
    // It may have opened, or been switched off, while this one waited.
    const off = this.#parts.switches.off(tool.name, tenant)
    const pass = off ? ({ kind: 'disabled', why: off.why } as const) : this.#breakerOf(tool, tenant)?.enter()
    if (pass === undefined) return undefined
    if ('ended' in pass) work.passed(pass)
    else work.release()
    return 'ended' in pass ? undefined : pass
  }

  #breakerOf({ name, breaker = defaultBreaker }: Tool, tenant: string) {
    return breaker === 'none' ? undefined : this.#breakers.of(name, tenant, breaker)
  }
}

/** Ends that are the caller's doing: they say nothing of the tool. */
const callersFault: ReadonlySet<string> = new Set([
  'TOOL_ARGUMENTS',
  'TOOL_NOT_FOUND',
  'TOOL_DENIED',
  'BLOCKED_ADDRESS',
])

/** What an end says of the tool (C3). */
export function verdictOf(result: EndOfRun | { readonly kind: 'deferred' }, aborted: boolean) {
  if (aborted) return 'neither'
  switch (result.kind) {
    case 'output':
    case 'deferred':
      return 'success'
    case 'failed':
      return callersFault.has(result.code) ? 'neither' : 'failure'
    case 'timeout':
      return 'failure'
    default:
      return 'neither'
  }
}
