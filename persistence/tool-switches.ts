/**
 * Tools that operators switch off and on again, with who did it and why. Every change is kept; the newest of a tool and a
 * tenant stands.
 */
export interface ToolSwitches {
  set(change: ToolSwitch): Promise<void>
  /** The newest of each tool and tenant. */
  current(): Promise<readonly ToolSwitch[]>
  /** Changes not older than `since` (epoch milliseconds), oldest first; a tenant's own and those of all, or everybody's. */
  changes(query: { since: number; tenant?: string; limit: number }): Promise<readonly ToolSwitch[]>
}

export interface ToolSwitch {
  readonly tool: string
  /** `*`: all of them. A tool runs for a tenant when neither its own switch nor that of all is off. */
  readonly tenant: string
  readonly enabled: boolean
  readonly by: string
  readonly why: string
  /** Epoch milliseconds. */
  readonly at: number
}

export const EVERY_TENANT = '*'
