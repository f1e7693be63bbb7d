/** The name nearest to `given`, when it is near enough to be a slip of the keys (at most a third of its letters). */
export function closest(given: string, names: readonly string[]): string | undefined {
  const most = Math.ceil(given.length / 3)
  // A name from a client may be megabytes long: one that differs too much in length alone is not compared.
  const near = names.filter((name) => Math.abs(name.length - given.length) <= most)
  const ranked = near.map((name) => ({ name, edits: edits(given, name) })).sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best && best.edits <= most ? best.name : undefined
}

/** Levenshtein distance, one row at a time. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
