import type { FastifyReply, FastifyRequest } from 'fastify'
import { Failure } from '../../actors/kernel/failure.ts'
import type { GatewayConfig } from './config.ts'

/**
 * A web page from elsewhere must not drive a local agent. The Host is checked against DNS rebinding (a foreign name
 * that resolves to this machine), the Origin against plain cross-site requests; both on every request, upgrades too.
 */
export function checkOrigin(config: Pick<GatewayConfig, 'allowedHosts' | 'allowedOrigins'>, request: FastifyRequest) {
  const host = request.headers.host?.toLowerCase()
  refuseTwoHosts(request, host)
  if (!hostAllowed(config.allowedHosts, host)) {
    throw new Failure('HOST_REJECTED', `The Host header names ${host === undefined ? 'nothing' : `\`${host}\``}.`)
  }
  const origin = request.headers.origin
  if (origin !== undefined && !originAllowed(config.allowedOrigins, origin, host as string)) {
    throw new Failure('ORIGIN_REJECTED', `The page's origin is \`${origin}\`.`)
  }
}

/**
 * One that is told two hosts could check the one and a proxy route by the other. Node keeps the first of two headers
 * and the router drops the host of an absolute target, so both are looked for in what was sent.
 */
function refuseTwoHosts({ raw }: FastifyRequest, host: string | undefined): void {
  const named = raw.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  if (named.length > 1) throw new Failure('HOST_REJECTED', 'The request has more than one Host header.')
  const target = raw.url ?? '/'
  // `*` is what an OPTIONS may ask.
  if (target.startsWith('/') || target === '*') return
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1]?.toLowerCase()
  if (authority === undefined || authority !== host) {
    throw new Failure('HOST_REJECTED', 'The request line names another host than the Host header.')
  }
}

/** Only an allowed origin gets CORS headers; the same origin needs none and gets the harmless same. */
export function allowCrossOrigin(request: FastifyRequest, reply: FastifyReply): void {
  const origin = request.headers.origin
  if (origin === undefined) return
  reply.header('access-control-allow-origin', origin)
  reply.header('vary', 'origin')
  reply.header('access-control-expose-headers', 'x-session-id, x-turn-id, x-request-id, mcp-session-id, retry-after')
}

export function answerPreflight(reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', 'GET, POST, PUT, DELETE')
    .header(
      'access-control-allow-headers',
      'authorization, content-type, idempotency-key, last-event-id, x-session-id, x-persona-id, x-agent-profile, x-universe-id, mcp-protocol-version, mcp-session-id',
    )
    .header('access-control-max-age', '600')
    .send()
}

function hostAllowed(allowed: readonly string[], host: string | undefined): boolean {
  if (host === undefined || host === '') return false
  if (allowed.includes('*')) return true
  const name = host.replace(/:\d+$/, '')
  return allowed.some((one) => one.toLowerCase() === host || one.toLowerCase() === name)
}

function originAllowed(allowed: readonly string[], origin: string, host: string): boolean {
  if (allowed.includes('*') || allowed.includes(origin)) return true
  return origin === `http://${host}` || origin === `https://${host}`
}
