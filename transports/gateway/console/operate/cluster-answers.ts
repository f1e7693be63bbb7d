/** What the gateway tells of the processes of a cluster (transports/gateway/routes/cluster.ts). */
export interface ClusterNode {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly weight: number
  readonly url: string
  readonly state: 'starting' | 'ready' | 'cut off' | 'draining'
  readonly started_at: string
  readonly pid: number
  /** Owned, by kind. */
  readonly shards: Readonly<Record<string, number>>
  /** Not settled, by topic. */
  readonly lag: Readonly<Record<string, number>>
}

export interface Shard {
  readonly kind: string
  readonly shard: number
  readonly owner: string | null
  readonly owner_name: string | null
  readonly epoch: number
}

export function isNode({ roles }: ClusterNode): boolean {
  return roles.some((role) => role !== 'gateway')
}

/** `21 session, 22 tool`. */
export function countsInWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ')
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
