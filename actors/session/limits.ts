/** The tightest of several limits; 0 is no limit. */
export function smallestLimit(...limits: readonly number[]): number {
  const set = limits.filter((limit) => limit > 0)
  return set.length === 0 ? 0 : Math.min(...set)
}
