/**
 * Lists that are each in order, as one. Of equals the earlier list goes first, and no list's own order is ever changed:
 * what one sender sent stays in its order (I7).
 */
export function mergeInOrder<Item>(
  lists: readonly (readonly Item[])[],
  compare: (a: Item, b: Item) => number,
  limit = Number.POSITIVE_INFINITY,
): Item[] {
  const next = lists.map(() => 0)
  const merged: Item[] = []
  while (merged.length < limit) {
    let least = -1
    for (let i = 0; i < lists.length; i++) {
      if (next[i] === lists[i]?.length) continue
      if (least === -1 || compare(head(i), head(least)) < 0) least = i
    }
    if (least === -1) break
    merged.push(head(least))
    next[least] = (next[least] as number) + 1
  }
  return merged

  function head(i: number): Item {
    return lists[i]?.[next[i] as number] as Item
  }
}

/** Byte by byte, as Postgres compares under collation "C". */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
