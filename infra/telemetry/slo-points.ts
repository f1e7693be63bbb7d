import type { SloPoint } from '../../transports/gateway/slo.ts'
import type { SloSample } from './slo-sample.ts'

/** What happened between two rounds of samples, over all processes. Pure. */
export function pointBetween(
  before: ReadonlyMap<string, SloSample>,
  now: readonly SloSample[],
  { at, seconds, processes }: { readonly at: number; readonly seconds: number; readonly processes: number },
): SloPoint {
  const risen: Record<string, number> = {}
  for (const { process, counters } of now) {
    const former = before.get(process)
    for (const [key, value] of Object.entries(counters)) {
      // What a process that is new here counted before we first asked it is of no known time.
      if (former !== undefined) risen[key] = (risen[key] ?? 0) + Math.max(0, value - (former.counters[key] ?? 0))
    }
  }
  const rise = (key: string) => risen[key] ?? 0
  const sum = (key: string) => now.reduce((total, { gauges }) => total + (gauges[key] ?? 0), 0)
  const most = (key: string) => now.reduce((highest, { gauges }) => Math.max(highest, gauges[key] ?? 0), 0)
  const share = (bad: string, all: string) => (rise(all) > 0 ? 1 - rise(bad) / rise(all) : null)
  const perSecond = (key: string) => (seconds > 0 ? rise(key) / seconds : 0)
  return {
    at,
    processes,
    answered: now.length,
    acceptAvailability: share('refused', 'asked'),
    turnSuccess: share('turns failed', 'turns'),
    acceptSeconds: percentile(0.95, 'accept', risen),
    turnSeconds: percentile(0.95, 'turn', risen),
    appendSeconds: percentile(0.95, 'append', risen),
    takeoverSeconds: percentile(0.95, 'takeover', risen),
    acceptedPerSecond: perSecond('asked'),
    turnsPerSecond: perSecond('turns'),
    toolsPerSecond: perSecond('tools'),
    mailboxLag: sum('lag'),
    deadLetters: most('dead letters'),
    quarantined: sum('quarantined'),
    shardsOwned: gaugesOf('shards ', now),
    active: gaugesOf('active ', now),
    messages: Object.fromEntries(
      Object.keys(risen)
        .filter((key) => key.startsWith('messages '))
        .map((key) => [key.slice('messages '.length), perSecond(key)]),
    ),
    memoryBytes: sum('memory'),
    loopDelaySeconds: most('loop'),
  }
}

function gaugesOf(prefix: string, now: readonly SloSample[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { gauges } of now) {
    for (const [key, value] of Object.entries(gauges)) {
      if (key.startsWith(prefix)) sums[key.slice(prefix.length)] = (sums[key.slice(prefix.length)] ?? 0) + value
    }
  }
  return sums
}

/** As PromQL's histogram_quantile: linear within a bucket; what lies above the last bound is that bound. */
export function percentile(q: number, histogram: string, risen: Readonly<Record<string, number>>): number | null {
  const buckets = Object.entries(risen)
    .filter(([key]) => key.startsWith(`${histogram}<=`))
    .map(([key, count]) => ({ le: boundOf(key.slice(histogram.length + 2)), count }))
    .sort((a, b) => a.le - b.le)
  const all = buckets.at(-1)?.count ?? 0
  if (all === 0) return null
  const rank = q * all
  let below = { le: 0, count: 0 }
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (!Number.isFinite(bucket.le)) return below.le
      const within = bucket.count === below.count ? 1 : (rank - below.count) / (bucket.count - below.count)
      return below.le + (bucket.le - below.le) * within
    }
    below = bucket
  }
  return below.le
}

function boundOf(le: string): number {
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
}
