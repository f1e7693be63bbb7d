/** Processes that a cluster may have. */
export const SLOTS = 1_024

/**
 * Who is in the cluster. A process joins with a slot of its own, whose lock says that it lives, and renews; the others see
 * it leave, die or freeze.
 *   N1. No two live processes have the same slot.
 *   N2. A process that died is seen to be gone within a second; one that is frozen or cut off, when its lease is over.
 *   N3. Time is the database's: nodes with wrong clocks agree on who is alive.
 */
export interface Membership {
  readonly nodeId: string
  /** Changes when the slot went to another process while this one was cut off. */
  readonly slot: number
  /** Renews the lease and returns every live process, this one included. */
  renew(status: NodeStatus): Promise<readonly ClusterNode[]>
  /** Calls back when another process says that something changed (`signal`), so that nobody need wait for a heartbeat. */
  onSignal(listener: () => void): void
  signal(): Promise<void>
  /** Forgets this process. */
  leave(): Promise<void>
}

export interface NodeStatus {
  /** cut off: it lives, but cannot read the mailbox, and should own nothing. */
  readonly state: 'starting' | 'ready' | 'cut off' | 'draining'
  /** What operators see of it: shards owned, lag, version. */
  readonly detail: Readonly<Record<string, unknown>>
}

export const roles = ['gateway', 'session', 'tool', 'memory'] as const
export type Role = (typeof roles)[number]

export interface ClusterNode extends NodeStatus {
  /** Of this incarnation: another start is another node. */
  readonly id: string
  /** What operators call it; the same after a restart. */
  readonly name: string
  readonly slot: number
  readonly roles: readonly Role[]
  readonly weight: number
  /** Where it answers /healthz, /readyz and /metrics. */
  readonly url: string
  /** Epoch milliseconds. */
  readonly startedAt: number
}
