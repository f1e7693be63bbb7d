import type { StackServers } from './stack-servers.ts'

/** The cluster that a drill works on: one of its own (own-cluster.ts), or one that runs (running-cluster.ts). */
export interface DrillTarget {
  /** Its gateways. */
  readonly urls: readonly string[]
  readonly token?: string
  /** Names of nodes that own sessions. */
  readonly nodes: readonly string[]
  readonly gateways: readonly { readonly name: string; readonly url: string }[]
  /** kill -9. Resolves when it is dead. */
  kill(name: string): Promise<void>
  /** Resolves when it is ready again; whoever supervises it may start it by itself. */
  revive(name: string): Promise<void>
  /** Stops it for so long, without its knowing; resolves when it goes on. */
  freeze(name: string, ms: number): Promise<void>
  /** Only of a cluster of its own. */
  readonly own?: OwnMeans
  close(passed: boolean): Promise<void>
}

export interface OwnMeans {
  /** SIGTERM, and its end awaited. */
  stop(name: string): Promise<void>
  /** Logs, tools' ledger. */
  readonly folder: string
  readonly ledger: string
  /** Ends of processes that nobody ordered. */
  readonly unexpectedExits: () => readonly string[]
  /** The network of the first node. */
  readonly links: { readonly node: string; cut(what: Link, how: 'silent' | 'closed'): void; mend(): void }
  /** Of the stack of this checkout; undefined when the servers are somebody else's. */
  readonly servers: StackServers | undefined
  /** Statements on the cluster's own database. */
  query(text: string, params?: readonly unknown[]): Promise<readonly unknown[]>
  flushRedis(): Promise<void>
}

export type Link = 'kafka' | 'postgres' | 'redis'

/** Owned shards of kind session by the name of their owner. */
export async function sessionShards(target: DrillTarget): Promise<Map<string, Set<number>>> {
  const { shards } = await ask<{
    shards: readonly { readonly kind: string; readonly shard: number; readonly owner_name: string | null }[]
  }>(target, '/v1/admin/shards')
  const owned = new Map<string, Set<number>>()
  for (const { kind, shard, owner_name } of shards) {
    if (kind !== 'session' || owner_name === null) continue
    const mine = owned.get(owner_name) ?? new Set<number>()
    owned.set(owner_name, mine.add(shard))
  }
  return owned
}

export interface ClusterNodeRow {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly url: string
  readonly state: string
}

/** The first gateway that answers; a GET, or a POST with a body. */
export async function ask<T>(target: Pick<DrillTarget, 'urls' | 'token'>, path: string, body?: object): Promise<T> {
  let last: unknown
  for (const url of target.urls) {
    const asked = await fetch(`${url}${path}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(target.token !== undefined && { authorization: `Bearer ${target.token}` }),
      },
      signal: AbortSignal.timeout(10_000),
    }).catch((error: unknown) => {
      last = error
    })
    if (asked?.ok) return (await asked.json()) as T
    if (asked) last = new Error(`${path}: ${asked.status} ${(await asked.text()).slice(0, 500)}`)
    // What one gateway refuses, another refuses as well; only one that is on its way out or gone is passed over.
    if (asked && asked.status !== 503) break
  }
  throw last
}
