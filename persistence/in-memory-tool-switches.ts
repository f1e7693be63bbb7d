import { copyOf } from './in-memory-store.ts'
import { EVERY_TENANT, type ToolSwitch, type ToolSwitches } from './tool-switches.ts'

export class InMemoryToolSwitches implements ToolSwitches {
  readonly #changes: ToolSwitch[] = []

  async set(change: ToolSwitch): Promise<void> {
    this.#changes.push(copyOf(change))
  }

  async current(): Promise<readonly ToolSwitch[]> {
    return [...new Map(this.#changes.map((change) => [`${change.tool} ${change.tenant}`, change])).values()]
  }

  async changes({ since, tenant, limit }: { since: number; tenant?: string; limit: number }) {
    return this.#changes
      .filter((change) => change.at >= since)
      .filter((change) => tenant === undefined || change.tenant === tenant || change.tenant === EVERY_TENANT)
      .slice(0, limit)
  }
}
