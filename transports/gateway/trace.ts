import type { FastifyRequest } from 'fastify'
import { undashed } from './session-id.ts'

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The caller's trace when it has one, else the request's id is the trace. */
export function traceIdOf(request: FastifyRequest): string {
  const given = request.headers.traceparent
  return (typeof given === 'string' ? TRACEPARENT.exec(given)?.[1] : undefined) ?? undashed(request.id)
}

/** What an envelope carries on: W3C trace context, and the request for the logs. */
export function traceOf(request: FastifyRequest): Record<string, string> {
  const given = request.headers.traceparent
  const traceparent =
    typeof given === 'string' && TRACEPARENT.test(given)
      ? given
      : `00-${undashed(request.id)}-${undashed(request.id).slice(0, 16)}-01`
  const state = request.headers.tracestate
  return {
    traceparent,
    request_id: request.id,
    ...(typeof state === 'string' && state.length <= 512 ? { tracestate: state } : {}),
  }
}
