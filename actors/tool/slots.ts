/**
 * How many calls of one tool run at once in this process, and how many may wait for one that does.
 *   L1. At most `limit` calls of a tool run at once.
 *   L2. Slots go to tenants in turn, and within a tenant first come, first served: one tenant's flood costs another at
 *       most the wait for the next slot.
 *   L3. The line has an end (I9): whoever comes when it is full is told so at once, and when to ask again.
 *   L4. Whoever stops waiting gives up its place.
 */
export interface SlotRequest {
  readonly tool: string
  readonly tenant: string
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

/** One tool's line. */
interface Line {
  running: number
  waiting: number
  /** Whoever is first in the map is served next, and goes to its end. */
  readonly tenants: Map<string, Set<() => void>>
  /** How long a slot is held, a moving mean in milliseconds. */
  heldMs: number
}

export class Slots {
  readonly #limits: LineLimits
  readonly #now: () => number
  readonly #waitingChanged: (tool: string, change: 1 | -1) => void
  readonly #lines = new Map<string, Line>()

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
    const line = this.#lineOf(request.tool)
    if (line.running < request.limit && line.waiting === 0) return this.#slot(line)
    const full = request.begun ? undefined : this.#full(line, request)
    if (full) return full
    return this.#wait(line, request, signal)
  }

  running(tool: string): number {
    return this.#lines.get(tool)?.running ?? 0
  }

  waiting(tool: string): number {
    return this.#lines.get(tool)?.waiting ?? 0
  }

  #lineOf(tool: string): Line {
    const line = this.#lines.get(tool) ?? { running: 0, waiting: 0, tenants: new Map(), heldMs: 0 }
    this.#lines.set(tool, line)
    return line
  }

  /** L3 */
  #full(line: Line, { tenant, limit }: SlotRequest): LineFull | undefined {
    const ofTenant = line.tenants.get(tenant)?.size ?? 0
    const of = ofTenant >= this.#limits.perTenant ? 'tenant' : line.waiting >= this.#limits.perTool ? 'tool' : undefined
    if (of === undefined) return undefined
    const waiting = of === 'tenant' ? ofTenant : line.waiting
    const seconds = Math.ceil((waiting * line.heldMs) / Math.max(limit, 1) / 1_000)
    return { kind: 'queue-full', of, waiting, retryAfter: Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER) }
  }

  #wait(line: Line, { tool, tenant }: SlotRequest, signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const queue = line.tenants.get(tenant) ?? new Set()
      line.tenants.set(tenant, queue)
      const out = () => {
        queue.delete(admit)
        if (queue.size === 0 && line.tenants.get(tenant) === queue) line.tenants.delete(tenant)
        line.waiting--
        this.#waitingChanged(tool, -1)
        signal.removeEventListener('abort', leave)
      }
      const leave = () => {
        out()
        reject(signal.reason)
      }
      const admit = () => {
        out()
        resolve(this.#slot(line))
      }
      queue.add(admit)
      line.waiting++
      this.#waitingChanged(tool, 1)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #slot(line: Line): Slot {
    line.running++
    const since = this.#now()
    let held = true
    return {
      kind: 'taken',
      release: () => {
        if (!held) return
        held = false
        line.running--
        const heldMs = this.#now() - since
        line.heldMs = line.heldMs === 0 ? heldMs : line.heldMs + WEIGHT * (heldMs - line.heldMs)
        this.#admitNext(line)
      },
    }
  }

  /** L2. The slot goes straight to the next in line, so nobody who comes now can overtake. */
  #admitNext(line: Line): void {
    const [next] = line.tenants
    if (next === undefined) return
    const [tenant, queue] = next
    const [admit] = queue
    line.tenants.delete(tenant)
    if (queue.size > 1) line.tenants.set(tenant, queue)
    admit?.()
  }
}
