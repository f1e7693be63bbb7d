import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Tracer } from '../../actors/kernel/tracing.ts'
import type { Config } from '../config/config.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { version } from '../package-root.ts'
import type { Metrics } from './metrics.ts'

/** What a collector that does not answer may cost a stop. */
const STOP_MS = 1_500

/** The tracer of this process; undefined without OTLP_ENDPOINT, and then nothing is loaded and nothing wrapped. */
export async function openTracing(
  config: Config['tracing'],
  { nodeId, metrics, log, lifecycle }: { nodeId: string; metrics: Metrics; log: Logger; lifecycle: Lifecycle },
): Promise<Tracer | undefined> {
  if (config === undefined) return undefined
  const { startTracing } = await import('./otlp-tracing.ts')
  const sent = (result: 'ok' | 'error', count: number) => metrics.spansSent(result, count)
  const { tracer } = await lifecycle.start(
    'traces',
    async () => startTracing({ ...config, nodeId, version, log, sent }),
    (it) => it.close(),
    STOP_MS,
  )
  return tracer
}
