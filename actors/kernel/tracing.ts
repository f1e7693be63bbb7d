import type { Envelope } from './envelope.ts'
import { asFailure } from './failure.ts'

/**
 * Spans of the trace that an envelope carries, so that one question can be followed through gateway, mailbox, session,
 * model and tool. infra/telemetry/otlp-tracing.ts sends them to a collector; without one `untraced` hands the trace on as it came.
 *   T1. What a span's work causes carries `span.trace`: its cause is then that span.
 *   T2. Attributes are names and numbers of ours (kind, tool, count, code), never what somebody wrote, never a secret.
 *   T3. `end` is called once; a span that is let go without it is never sent.
 */
export interface Tracer {
  start(name: SpanName, parent: Trace, attributes?: SpanAttributes): Span
}

export interface Span {
  /** The parent's, with this span in its traceparent. */
  readonly trace: Trace
  /** `failure`: a code of the catalogue, or a status. */
  end(failure?: string, attributes?: SpanAttributes): void
}

export type Trace = Envelope['trace']
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

export type SpanName =
  | 'http.request'
  | 'mailbox.send'
  | 'mailbox.deliver'
  | 'actor.handle'
  | 'journal.append'
  | 'model.call'
  | 'tool.run'

class PassedOn implements Span {
  readonly trace: Trace
  constructor(trace: Trace) {
    this.trace = trace
  }
  end(): void {}
}

export const untraced: Tracer = { start: (_name, parent) => new PassedOn(parent) }

/** The span of this work, and no longer. */
export async function during<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work()
    span.end()
    return result
  } catch (error) {
    span.end(asFailure(error).code)
    throw error
  }
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** A turn that waited behind another, or outlived its process, goes on in its own trace, not in that of what woke it. */
export function traceOfWork(own: unknown, atHand: Trace): Trace {
  // Journals from before the door was closed hold whatever a client sent: that is no reason to fail for ever.
  if (typeof own !== 'string' || !TRACEPARENT.test(own)) return atHand
  return traceId(own) === traceId(atHand.traceparent) ? atHand : { traceparent: own }
}

/** The 32 digits of a W3C traceparent that name the trace. */
export function traceId(traceparent: string | undefined): string | undefined {
  return traceparent?.slice(3, 35)
}
