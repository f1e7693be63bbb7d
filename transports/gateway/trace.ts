import type { FastifyRequest } from 'fastify'
import { type Trace, type Tracer, traceId } from '../../actors/kernel/tracing.ts'
import { undashed } from './session-id.ts'

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The trace that the request is part of; without any the request's id is one. */
export function traceIdOf(request: FastifyRequest): string {
  return traceId(request.span?.trace.traceparent) ?? traceId(givenBy(request)) ?? undashed(request.id)
}

/** What an envelope carries on: W3C trace context, and the request for the logs. */
export function traceOf(request: FastifyRequest): Trace {
  if (request.span) return request.span.trace
  const id = undashed(request.id)
  // Not sampled: nobody keeps this trace, so whoever it reaches (a model's endpoint) need not either.
  return { traceparent: givenBy(request) ?? `00-${id}-${id.slice(0, 16)}-00`, ...besides(request) }
}

/** A request for a stream by upgrade has no answer to end a span with; what it sends is traced from the mailbox on. */
export function beginRequest(tracer: Tracer | undefined, request: FastifyRequest): void {
  if (!tracer || request.routeOptions.config.public || request.headers.upgrade) return
  const traceparent = givenBy(request)
  request.span = tracer.start(
    'http.request',
    { ...(traceparent !== undefined && { traceparent }), ...besides(request) },
    // The route, not the URL: a query may hold an access token.
    { 'http.request.method': request.method, 'http.route': request.routeOptions.url ?? 'none' },
  )
}

function givenBy({ headers: { traceparent } }: FastifyRequest): string | undefined {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined
}

function besides(request: FastifyRequest): Trace {
  const state = request.headers.tracestate
  return {
    request_id: request.id,
    ...(typeof state === 'string' && state.length <= 512 ? { tracestate: state } : {}),
  }
}
