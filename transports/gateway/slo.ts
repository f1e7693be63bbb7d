/**
 * The service levels of docs/SLO.md as series, for the charts of the console: the same metrics that Prometheus scrapes, summed
 * over every process of the cluster. Each gateway keeps the last hour in memory; months are Prometheus's business.
 */
export interface SloSeries {
  /** Oldest first. */
  points(sinceMs: number): readonly SloPoint[]
  /** Milliseconds between two points. */
  readonly everyMs: number
}

/** What happened between the point before and this one; null where nothing happened that could be measured. */
export interface SloPoint {
  /** Epoch milliseconds. */
  readonly at: number
  /** Processes that were asked, and those of them that answered. */
  readonly processes: number
  readonly answered: number
  /** Shares in [0, 1]. */
  readonly acceptAvailability: number | null
  readonly turnSuccess: number | null
  /** Seconds, 95th percentile. */
  readonly acceptSeconds: number | null
  readonly turnSeconds: number | null
  readonly appendSeconds: number | null
  readonly takeoverSeconds: number | null
  /** A second. */
  readonly acceptedPerSecond: number
  readonly turnsPerSecond: number
  readonly toolsPerSecond: number
  /** Now. */
  readonly mailboxLag: number
  readonly deadLetters: number
  readonly quarantined: number
  /** Shards that some process owns, of `shards` that should be owned; one process alone owns all and says nothing. */
  readonly shardsOwned: Readonly<Record<string, number>>
  readonly active: Readonly<Record<string, number>>
  /** Messages a second by type of actor. */
  readonly messages: Readonly<Record<string, number>>
  /** Resident memory of all that answered, bytes; event loop delay of the slowest, seconds. */
  readonly memoryBytes: number
  readonly loopDelaySeconds: number
}
