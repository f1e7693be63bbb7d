/**
 * Who is served when a slot comes free: first which tenant, then by the same rule which session of it, then whoever of the
 * session waits longest.
 */
export interface Share {
  /** Slots it holds. The one that comes free counts as still held by who gives it back, so that it goes to another. */
  readonly running: number
  readonly waiting: number
  /** When it was last served or, not served since it came, when it came; counted, not timed. */
  readonly since: number
}

/**
 * Whoever holds fewest; among equals, whoever was served longest ago. To go round by turns alone would be too little: of two
 * tenants, one with programs of a minute and one of a second, the first would hold every slot nearly all the time. Nobody
 * waits for ever: each who is served, or comes, stands behind those with as few slots as it, and a slot is held for a
 * limited time.
 */
export function nextInLine<S extends Share>(shares: Iterable<S>): S | undefined {
  let first: S | undefined
  for (const share of shares) {
    if (share.waiting === 0) continue
    if (first === undefined || share.running < first.running) first = share
    else if (share.running === first.running && share.since < first.since) first = share
  }
  return first
}

interface Session {
  running: number
  waiting: number
  since: number
  readonly admits: Set<() => void>
}

interface Tenant {
  running: number
  waiting: number
  since: number
  readonly sessions: Map<string, Session>
}

export interface Who {
  readonly tenant: string
  readonly session: string
}

/** Who holds slots of one tool and who waits for one. It forgets whoever does neither. */
export class Line {
  readonly #tenants = new Map<string, Tenant>()
  #moment = 0
  #running = 0
  #waiting = 0

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  waitingOf(tenant: string): number {
    return this.#tenants.get(tenant)?.waiting ?? 0
  }

  /** Stands in line until the function that it answers is called; `admit` is what `next` answers when it is to be served. */
  wait(who: Who, admit: () => void): () => void {
    const { session } = this.#count(who, 'waiting', 1)
    session.admits.add(admit)
    return () => {
      session.admits.delete(admit)
      this.#count(who, 'waiting', -1)
    }
  }

  take(who: Who): void {
    const { tenant, session } = this.#count(who, 'running', 1)
    tenant.since = session.since = ++this.#moment
  }

  giveBack(who: Who): void {
    this.#count(who, 'running', -1)
  }

  next(): (() => void) | undefined {
    const session = nextInLine(nextInLine(this.#tenants.values())?.sessions.values() ?? [])
    const [admit] = session?.admits ?? []
    return admit
  }

  #count({ tenant: of, session: within }: Who, what: 'running' | 'waiting', by: 1 | -1) {
    const tenant = this.#tenants.get(of) ?? { running: 0, waiting: 0, since: ++this.#moment, sessions: new Map() }
    const session = tenant.sessions.get(within) ?? { running: 0, waiting: 0, since: ++this.#moment, admits: new Set() }
    tenant[what] += by
    session[what] += by
    if (what === 'running') this.#running += by
    else this.#waiting += by
    if (session.running + session.waiting > 0) tenant.sessions.set(within, session)
    else tenant.sessions.delete(within)
    if (tenant.sessions.size > 0) this.#tenants.set(of, tenant)
    else this.#tenants.delete(of)
    return { tenant, session }
  }
}
