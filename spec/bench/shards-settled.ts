import { setTimeout as pause } from 'node:timers/promises'
import type { BenchCluster } from './bench-cluster.ts'

const LOOK_EVERY_MS = 250
/** Nothing moved in so many looks. */
const CALM = 8
const WITHIN_MS = 60_000

/** Waits until so many nodes own the shards of sessions and none moves any more. Resolves to the shards of each owner. */
export async function shardsSettled(cluster: BenchCluster, owners: number): Promise<ReadonlyMap<string, number[]>> {
  const until = performance.now() + WITHIN_MS
  let last = ''
  for (let calm = 0; performance.now() < until; await pause(LOOK_EVERY_MS)) {
    const rows = await cluster.query<{ owner: string; shard: number }>(
      `select owner, shard from shards where kind = 'session' order by owner, shard`,
    )
    const now = JSON.stringify(rows)
    calm = now === last ? calm + 1 : 0
    last = now
    const byOwner = grouped(rows)
    if (calm >= CALM && byOwner.size === owners) return byOwner
  }
  throw new Error(`the shards did not come to rest with ${owners} owners: ${last.slice(0, 300)}`)
}

function grouped(rows: readonly { readonly owner: string; readonly shard: number }[]): Map<string, number[]> {
  const byOwner = new Map<string, number[]>()
  for (const { owner, shard } of rows) byOwner.set(owner, [...(byOwner.get(owner) ?? []), shard])
  return byOwner
}
