import type { ActorKind } from './address.ts'

/** What an operator sees of the processes of a cluster, and may ask of one; one process alone answers for itself. */
export interface ClusterOperations {
  nodes(): Promise<readonly NodeView[]>
  shards(): Promise<readonly ShardView[]>
  /** It hands its shards over and takes no more, but goes on. Rejects with NODE_NOT_FOUND or NODE_UNREACHABLE. */
  drain(nodeId: string): Promise<void>
  /** For drills: it kills itself (SIGKILL), or stands still for a while (SIGSTOP). */
  order(nodeId: string, order: NodeOrder): Promise<void>
}

export type NodeOrder = { readonly order: 'die' } | { readonly order: 'freeze'; readonly ms: number }

export interface NodeView {
  readonly id: string
  readonly name: string
  readonly slot: number
  readonly roles: readonly string[]
  readonly weight: number
  readonly url: string
  readonly state: 'starting' | 'ready' | 'cut off' | 'draining'
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly pid: number
  /** Shards owned, by kind. */
  readonly shards: Readonly<Partial<Record<ActorKind, number>>>
  /** Records not settled, by topic. */
  readonly lag: Readonly<Record<string, number>>
}

export interface ShardView {
  readonly kind: ActorKind
  readonly shard: number
  /** Id of the node; null when nobody owns it now. */
  readonly owner: string | null
  readonly ownerName: string | null
  readonly epoch: number
}
