import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client'

/**
 * What the service levels need of one process at one moment: small enough to travel over a link every few seconds. Counters
 * only rise; a process that was started again begins at 0, and is another process by its id.
 */
export interface SloSample {
  /** Id of this incarnation of the process. */
  readonly process: string
  readonly counters: Readonly<Record<string, number>>
  readonly gauges: Readonly<Record<string, number>>
}

const ACCEPTING = /^\/v1\/(session\/message|chat\/completions|responses)$/

type Labels = Readonly<Partial<Record<string, string | number>>>
type Value = MetricValue<string> & { readonly metricName?: string }

/** Named as docs/SLO.md names what it asks of Prometheus: the same series, chosen by the same labels. */
export async function sampleOf(registry: Registry, process: string): Promise<SloSample> {
  const counters: Record<string, number> = {}
  const gauges: Record<string, number> = {}
  const add = (into: Record<string, number>, key: string, value: number) => {
    into[key] = (into[key] ?? 0) + value
  }
  // One by one: all at once would ask every dependency how it is, as a scrape does, every few seconds.
  const each = async (name: string, told: (labels: Labels, value: number, part: string) => void) => {
    const metric = (await registry.getSingleMetric(name)?.get()) as MetricObjectWithValues<Value> | undefined
    for (const { labels, value, metricName } of metric?.values ?? []) {
      told(labels as Labels, value, (metricName ?? name).slice(name.length))
    }
  }
  /** Counts below each bound, for a percentile over many processes. */
  const histogram = (key: string, name: string, which: (labels: Labels) => boolean = () => true) =>
    each(name, (labels, value, part) => {
      if (part === '_bucket' && which(labels)) add(counters, `${key}<=${labels.le}`, value)
    })

  await each('gateway_requests_total', ({ method, route, status }, value) => {
    if (method !== 'POST' || !ACCEPTING.test(String(route))) return
    add(counters, 'asked', value)
    if (String(status).startsWith('5')) add(counters, 'refused', value)
  })
  await each('conversation_worker_processing_seconds', ({ path }, value, part) => {
    if (part !== '_count') return
    add(counters, 'turns', value)
    if (path === 'failed') add(counters, 'turns failed', value)
  })
  await each('tool_executor_requests_total', (_, value) => add(counters, 'tools', value))
  await each('soma_actor_messages_total', ({ type }, value) => add(counters, `messages ${type}`, value))
  await histogram('accept', 'gateway_request_latency_seconds', ({ method, route }) => {
    return method === 'POST' && route === '/v1/session/message'
  })
  await histogram('turn', 'conversation_worker_processing_seconds', ({ path }) => path === 'completed')
  await histogram('append', 'soma_journal_append_seconds')
  await histogram('takeover', 'soma_shard_takeover_seconds', ({ reason }) => reason === 'expired')

  await each('soma_mailbox_lag', (_, value) => add(gauges, 'lag', value))
  // Every gateway counts the same letters.
  await each('gateway_dlq_depth', (_, value) => add(gauges, 'dead letters', value))
  await each('soma_actor_quarantined', (_, value) => add(gauges, 'quarantined', value))
  await each('soma_shards_owned', ({ kind }, value) => add(gauges, `shards ${kind}`, value))
  await each('soma_actor_active', ({ type }, value) => add(gauges, `active ${type}`, value))
  await each('process_resident_memory_bytes', (_, value) => add(gauges, 'memory', value))
  await each('nodejs_eventloop_lag_p99_seconds', (_, value) => add(gauges, 'loop', value))
  return { process, counters, gauges }
}
