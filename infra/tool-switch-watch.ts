import type { Clock } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { ToolSwitchboard } from '../actors/tool/tool-switches.ts'
import { EVERY_TENANT, type ToolSwitch, type ToolSwitches } from '../persistence/tool-switches.ts'

const LOOK_MS = 1_000

/**
 * The tools that are switched off, as this process knows it: looked up once a second, and at once after a change made here.
 * While the database is away the last known state stands; there is no start without one.
 */
export class ToolSwitchWatch implements ToolSwitchboard, ToolSwitches {
  private readonly switches: ToolSwitches
  private readonly clock: Clock
  private readonly log: Logger
  private known: ReadonlyMap<string, ToolSwitch> = new Map()
  private cancel = () => {}
  private closed = false

  constructor(switches: ToolSwitches, { clock, log }: { clock: Clock; log: Logger }) {
    this.switches = switches
    this.clock = clock
    this.log = log
  }

  async start(): Promise<this> {
    await this.look()
    this.later()
    return this
  }

  off(tool: string, tenant: string): { readonly why: string } | undefined {
    for (const of of [tenant, EVERY_TENANT]) {
      const last = this.known.get(key(tool, of))
      if (last && !last.enabled) return { why: last.why || 'no reason is given.' }
    }
    return undefined
  }

  async set(change: ToolSwitch): Promise<void> {
    await this.switches.set(change)
    await this.look()
  }

  async current(): Promise<readonly ToolSwitch[]> {
    return [...this.known.values()]
  }

  changes(query: Parameters<ToolSwitches['changes']>[0]): Promise<readonly ToolSwitch[]> {
    return this.switches.changes(query)
  }

  close(): void {
    this.closed = true
    this.cancel()
  }

  private async look(): Promise<void> {
    const current = await this.switches.current()
    this.known = new Map(current.map((one) => [key(one.tool, one.tenant), one]))
  }

  private later(): void {
    if (this.closed) return
    this.cancel = this.clock.after(LOOK_MS, () => {
      this.look()
        .catch((error) =>
          this.log.debug({ error: String(error) }, 'the switches of tools cannot be read; the last stand'),
        )
        .finally(() => this.later())
    })
  }
}

function key(tool: string, tenant: string): string {
  return `${tool} ${tenant}`
}
