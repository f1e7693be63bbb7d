import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { during, type Tracer, untraced } from '../../actors/kernel/tracing.ts'
import { startTracing } from '../../infra/telemetry/otlp-tracing.ts'
import type { BenchRow } from './bench-row.ts'

/**
 * What a span costs where a message is handled: without OTLP_ENDPOINT, for a trace that is not kept, and for one that is
 * (its sending, which waits for nobody, included; the collector takes nothing). A turn has about 20.
 */
const SPANS = 200_000
const ROUNDS = 3
const sampled = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
const unsampled = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` }
const attributes = { 'soma.kind': 'session' }

async function nanoseconds(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const from = process.hrtime.bigint()
    for (let n = 0; n < SPANS; n++) await work()
    best = Math.min(best, Number(process.hrtime.bigint() - from) / SPANS)
  }
  return best
}

const handled = async () => {}

function spanned(tracer: Tracer, trace: Readonly<Record<string, string>>): () => Promise<void> {
  return () => during(tracer.start('actor.handle', trace, attributes), handled)
}

export async function run(): Promise<BenchRow[]> {
  const bare = await nanoseconds(handled)
  const off = await nanoseconds(spanned(untraced, sampled))
  const tracing = startTracing({
    endpoint: 'http://127.0.0.1:9',
    ratio: 1,
    nodeId: 'bench',
    version: '0',
    log: silentLogger,
    sent() {},
  })
  const notKept = await nanoseconds(spanned(tracing.tracer, unsampled))
  const kept = await nanoseconds(spanned(tracing.tracer, sampled))
  const row = (what: string, time: number, goal?: string): BenchRow => ({
    what,
    value: `${((time - bare) / 1_000).toFixed(2)} µs`,
    ...(goal !== undefined && { goal }),
  })
  return [
    row('a span without OTLP_ENDPOINT', off, '< 1 µs'),
    row('a span of a trace that is not kept', notKept),
    row('a span that is sent', kept),
  ]
}
