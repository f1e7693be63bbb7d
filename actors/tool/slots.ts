import { Line } from './line.ts'

/**
 * How many calls of one tool run at once in this process, and how many may wait for one that does.
 *   L1. At most `limit` calls of a tool run at once.
 *   L2. Slots go to tenants in turn, and within a tenant to its sessions (line.ts): the flood of one costs another at most
 *       the wait for the next slot.
 *   L3. The line has an end (I9): whoever comes when it is full is told so at once, and when to ask again.
 *   L4. Whoever stops waiting gives up its place.
 */
export interface SlotRequest {
  readonly tool: string
  readonly tenant: string
  /** Of whose calls at most `limits.parallelCalls` (persona.ts) are under way: no limit of its own in line. */
  readonly session: string
  /** Calls of this tool at once. */
  readonly limit: number
  /** Work that was begun before (a takeover, a retry) stands in line however long it is. */
  readonly begun?: boolean
}

export type Slot = { readonly kind: 'taken'; readonly release: () => void } | LineFull

export interface LineFull {
  readonly kind: 'queue-full'
  /** Whose line is at its end. */
  readonly of: 'tool' | 'tenant'
  readonly waiting: number
  /** Seconds. */
  readonly retryAfter: number
}

export interface LineLimits {
  readonly perTool: number
  readonly perTenant: number
}

const MAX_RETRY_AFTER = 60
/** Of the newest call, in the mean that the advice is made from. */
const WEIGHT = 0.2

interface OfTool {
  readonly line: Line
  /** How long a slot is held, a moving mean in milliseconds. */
  heldMs: number
}

export class Slots {
  readonly #limits: LineLimits
  readonly #now: () => number
  readonly #waitingChanged: (tool: string, change: 1 | -1) => void
  readonly #tools = new Map<string, OfTool>()

  constructor(
    limits: LineLimits,
    now: () => number,
    waitingChanged: (tool: string, change: 1 | -1) => void = () => {},
  ) {
    this.#limits = limits
    this.#now = now
    this.#waitingChanged = waitingChanged
  }

  /** Resolves to the slot (its release may be called twice) or to why there is none; rejects with the signal's reason. */
  async take(request: SlotRequest, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted()
    const tool = this.#of(request.tool)
    const { running, waiting } = tool.line
    if (running < request.limit && waiting === 0) return this.#slot(tool, request)
    const full = request.begun ? undefined : this.#full(tool, request)
    if (full) return full
    return this.#wait(tool, request, signal)
  }

  running(tool: string): number {
    return this.#tools.get(tool)?.line.running ?? 0
  }

  waiting(tool: string): number {
    return this.#tools.get(tool)?.line.waiting ?? 0
  }

  #of(tool: string): OfTool {
    const of = this.#tools.get(tool) ?? { line: new Line(), heldMs: 0 }
    this.#tools.set(tool, of)
    return of
  }

  /** L3 */
  #full({ line, heldMs }: OfTool, { tenant, limit }: SlotRequest): LineFull | undefined {
    const ofTenant = line.waitingOf(tenant)
    const { perTenant, perTool } = this.#limits
    const of = ofTenant >= perTenant ? 'tenant' : line.waiting >= perTool ? 'tool' : undefined
    if (of === undefined) return undefined
    const waiting = of === 'tenant' ? ofTenant : line.waiting
    const seconds = Math.ceil((waiting * heldMs) / Math.max(limit, 1) / 1_000)
    return { kind: 'queue-full', of, waiting, retryAfter: Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER) }
  }

  #wait(tool: OfTool, request: SlotRequest, signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const out = () => {
        leaveLine()
        this.#waitingChanged(request.tool, -1)
        signal.removeEventListener('abort', leave)
      }
      const leave = () => {
        out()
        reject(signal.reason)
      }
      const admit = () => {
        resolve(this.#slot(tool, request))
        out()
      }
      const leaveLine = tool.line.wait(request, admit)
      this.#waitingChanged(request.tool, 1)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #slot(tool: OfTool, { tenant, session }: SlotRequest): Slot {
    const { line } = tool
    const who = { tenant, session }
    line.take(who)
    const since = this.#now()
    let held = true
    return {
      kind: 'taken',
      release: () => {
        if (!held) return
        held = false
        const heldMs = this.#now() - since
        tool.heldMs = tool.heldMs === 0 ? heldMs : tool.heldMs + WEIGHT * (heldMs - tool.heldMs)
        // L2. The slot goes straight to the next in line, so nobody who comes now can overtake.
        const admit = line.next()
        line.giveBack(who)
        admit?.()
      },
    }
  }
}
