import {
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Span, SpanAttributes, SpanName, Trace, Tracer } from '../../actors/kernel/tracing.ts'

/**
 * Spans to a collector, by OTLP over HTTP. Loaded only with OTLP_ENDPOINT: the packages are 60 ms of a start. Whether a
 * trace is kept is said by whoever began it (the flag of its traceparent); of those that begin here, SOMA_TRACE_RATIO.
 * Sending is beside the work: a collector that is slow or gone costs spans, counted, and nothing else.
 */
export interface TracingParts {
  readonly endpoint: string
  readonly ratio: number
  readonly nodeId: string
  readonly version: string
  readonly log: Logger
  /** Spans that left the process, or could not. */
  readonly sent: (result: 'ok' | 'error', count: number) => void
}

export interface Tracing {
  readonly tracer: Tracer
  /** Sends what is left. */
  close(): Promise<void>
}

const SEND_TIMEOUT_MS = 3_000
/** A trace is looked at while it is fresh, and a batch is small: not the five seconds of the SDK. */
const SEND_EVERY_MS = 1_000

export function startTracing({ endpoint, ratio, nodeId, version, log, sent }: TracingParts): Tracing {
  const url = `${endpoint.replace(/\/+$/, '').replace(/\/v1\/traces$/, '')}/v1/traces`
  const exporter = counted(new OTLPTraceExporter({ url, timeoutMillis: SEND_TIMEOUT_MS }), log, sent)
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'somaagent',
      'service.version': version,
      'service.instance.id': nodeId,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  })
  const otel = provider.getTracer('somaagent', version)
  return {
    tracer: { start: (name, parent, attributes) => started(otel, name, parent, attributes) },
    close: () => provider.shutdown(),
  }
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

function started(otel: OtelTracer, name: SpanName, parent: Trace, attributes: SpanAttributes = {}): Span {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(parent.traceparent ?? '') ?? []
  const context =
    traceId && spanId && flags
      ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true })
      : ROOT_CONTEXT
  const span = otel.startSpan(name, { kind: kinds[name], attributes }, context)
  const own = span.spanContext()
  const kept = (own.traceFlags & TraceFlags.SAMPLED) === TraceFlags.SAMPLED
  return {
    trace: { ...parent, traceparent: `00-${own.traceId}-${own.spanId}-${kept ? '01' : '00'}` },
    end(failure, more) {
      if (more) span.setAttributes(more)
      // The code alone: a detail may quote what somebody wrote (T2).
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
      span.end()
    },
  }
}

const kinds: Readonly<Record<SpanName, SpanKind>> = {
  'http.request': SpanKind.SERVER,
  'mailbox.send': SpanKind.PRODUCER,
  'mailbox.deliver': SpanKind.CONSUMER,
  'actor.handle': SpanKind.INTERNAL,
  'journal.append': SpanKind.CLIENT,
  'model.call': SpanKind.CLIENT,
  'tool.run': SpanKind.INTERNAL,
}

/** The first failure is said, and that it is over; between them a counter is enough. */
function counted(exporter: SpanExporter, log: Logger, sent: TracingParts['sent']): SpanExporter {
  let failing = false
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const ok = result.code === 0
        sent(ok ? 'ok' : 'error', spans.length)
        if (!ok && !failing) log.warn({ error: result.error }, 'traces cannot be sent to OTLP_ENDPOINT; they are lost')
        if (ok && failing) log.info({}, 'traces are sent again')
        failing = !ok
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
