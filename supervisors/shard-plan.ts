/** What the plan must know of a node. */
export interface PlannedNode {
  readonly id: string
  /** Share of the shards, relative to the others; 0 takes none. */
  readonly weight: number
}

export interface OwnedShard {
  readonly shard: number
  /** Empty when nobody owns it. */
  readonly owner: string
}

/**
 * Which node should own which shard. Every node computes it for itself from the same rows; as a takeover is decided by the
 * epoch, two that see different rows for a moment do no harm.
 *   P1. Each node gets its share by weight, to within one shard.
 *   P2. A shard moves only when its owner is gone or has more than its share: a node that joins takes from each of the
 *       others, one that leaves gives to each, and nobody else's shards move.
 *   P3. The same rows give the same plan, in whatever order they come.
 */
export function planShards(shards: readonly OwnedShard[], nodes: readonly PlannedNode[]): ReadonlyMap<number, string> {
  const taking = nodes.filter(({ weight }) => weight > 0)
  if (taking.length === 0) return new Map()
  const held = new Map(taking.map(({ id }) => [id, [] as number[]]))
  const homeless: number[] = []
  for (const { shard, owner } of [...shards].sort((a, b) => a.shard - b.shard)) {
    const mine = held.get(owner)
    if (mine === undefined) homeless.push(shard)
    else mine.push(shard)
  }
  const shares = sharesOf(shards.length, taking, held)
  for (const [id, mine] of held) homeless.push(...mine.splice(shares.get(id) as number)) // P2
  const plan = new Map<number, string>()
  for (const id of [...held.keys()].sort()) {
    const mine = held.get(id) as number[]
    const room = (shares.get(id) as number) - mine.length
    for (const shard of [...mine, ...homeless.splice(0, room)]) plan.set(shard, id)
  }
  return plan
}

/** Largest remainders; where they are equal, who has one more already keeps it, so that nothing moves for a tie. */
function sharesOf(
  total: number,
  nodes: readonly PlannedNode[],
  held: ReadonlyMap<string, readonly number[]>,
): Map<string, number> {
  const weights = nodes.reduce((sum, { weight }) => sum + weight, 0)
  const exact = nodes.map(({ id, weight }) => ({ id, share: (total * weight) / weights }))
  const shares = new Map(exact.map(({ id, share }) => [id, Math.floor(share)]))
  const rest = total - [...shares.values()].reduce((sum, share) => sum + share, 0)
  const hasMore = (id: string) => Number((held.get(id)?.length ?? 0) > (shares.get(id) as number))
  const byRemainder = exact
    .map(({ id, share }) => ({ id, remainder: Math.round((share % 1) * 1e9) }))
    .sort((a, b) => b.remainder - a.remainder || hasMore(b.id) - hasMore(a.id) || (a.id < b.id ? -1 : 1))
  for (const { id } of byRemainder.slice(0, rest)) shares.set(id, (shares.get(id) as number) + 1)
  return shares
}
