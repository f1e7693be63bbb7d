import type { IncomingMessage, ServerResponse } from 'node:http'
import websocket from '@fastify/websocket'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Span } from '../../actors/kernel/tracing.ts'
import type { Authenticator, Caller } from './auth.ts'
import type { GatewayDeps } from './gateway.ts'
import { parseJson } from './json-body.ts'
import { rpcErrorOf } from './mcp/refusal.ts'
import { OpenSockets } from './open-sockets.ts'
import { openAiError } from './openai/error.ts'
import { openApi } from './openapi.ts'
import { allowCrossOrigin, answerPreflight, checkOrigin } from './origin.ts'
import { failureOf, PROBLEM_JSON, problemOf, retryAfterOf } from './problem.ts'
import { RouteTable } from './route-table.ts'
import { beginRequest, traceIdOf } from './trace.ts'

/** A body that is too large is read to its end, unkept, up to this size; a larger one is cut off. */
const DISCARDED_BYTES = 64 * 1024 * 1024

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any handler runs, on every route that is not public. */
    caller: Caller
    /** With a tracer, of requests that are answered: not of upgrades and public routes. */
    span: Span | undefined
  }
  interface FastifyContextConfig {
    /** Takes ?access_token: a browser cannot set a header on EventSource and WebSocket. */
    tokenInQuery?: boolean
    /** Answers without a credential: pages, health, metrics. */
    public?: boolean
    /** Errors in the shape that OpenAI clients, or clients of MCP, parse. */
    errors?: 'openai' | 'json-rpc'
  }
}

/** Handed over at birth, or Fastify loads the compilers of its own (Ajv; 60 ms of a start). Its types know only those. */
export const compilersFactory = {
  buildValidator: () => validatorCompiler as never,
  // Answers are typed by their schemas at compile time; parsing them once more would cost more than the turn's routing.
  buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
}

/** Fastify with what holds for every route: who may call, how bodies are read, how errors are told. */
export async function createHttpServer(
  deps: GatewayDeps,
  authenticator: Authenticator,
): Promise<{ readonly app: App; readonly sockets: OpenSockets }> {
  const { config, log } = deps
  const app: App = Fastify({
    logger: false,
    bodyLimit: config.limits.bodyBytes,
    genReqId: () => deps.ids.uuid(),
    routerOptions: { maxParamLength: 300 },
    schemaController: { compilersFactory },
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => sendFailure(deps, failureOf(error), request, reply),
    clientErrorHandler(error, socket) {
      const failure = new Failure('INVALID_REQUEST', 'This is not an HTTP/1.1 request.', { cause: error })
      if (!socket.writable) return
      const body = JSON.stringify(problemOf(failure))
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    },
  }).withTypeProvider<ZodTypeProvider>()
  const routes = new RouteTable()

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as string, config.limits.jsonDepth))
    } catch (error) {
      done(error as Error)
    }
  })
  app.decorateRequest('caller', null as unknown as Caller)
  app.decorateRequest('span', undefined)
  app.addHook('onRoute', (route) => routes.add(route.method, route.url))

  app.addHook('onRequest', async (request, reply) => {
    // An upgrade that is refused has left Node's http: nobody else would ever close its socket.
    if (request.headers.upgrade) reply.raw.once('finish', () => request.raw.socket.end())
    checkOrigin(config, request)
    allowCrossOrigin(request, reply)
    reply.header('x-request-id', request.id)
    beginRequest(deps.tracer, request)
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) return answerPreflight(reply)
    if (!request.routeOptions.config.public && !request.is404)
      request.caller = await authenticator.authenticate(request)
  })
  const sockets = new OpenSockets(app.server)
  app.addHook('preClose', async () => sockets.drain())
  app.addHook('onResponse', async (request, reply) => {
    const seconds = reply.elapsedTime / 1000
    const route = request.routeOptions.url ?? 'none'
    request.span?.end(reply.statusCode >= 500 ? `HTTP ${reply.statusCode}` : undefined, {
      'http.response.status_code': reply.statusCode,
    })
    deps.metrics?.request(request.method, route, reply.statusCode, seconds)
    // The route, not the URL: a query may hold an access token.
    log.debug({ reqId: request.id, method: request.method, route, status: reply.statusCode, seconds }, 'request')
  })
  app.setErrorHandler((error, request, reply) => sendFailure(deps, failureOf(error), request, reply))
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] as string
    const allowed = routes.methodsOf(path)
    if (allowed.length > 0) reply.header('allow', allowed.join(', '))
    const failure =
      allowed.length > 0
        ? new Failure('METHOD_NOT_ALLOWED', `${path} takes ${allowed.join(', ')}, not ${request.method}.`)
        : new Failure('ROUTE_NOT_FOUND', `There is no ${path}.`)
    return sendFailure(deps, failure, request, reply)
  })

  await app.register(websocket, {
    options: { maxPayload: config.limits.bodyBytes },
    errorHandler: (_error, socket) => socket.terminate(),
  })
  await openApi(app, config)
  return { app, sockets }
}

export function sendFailure(
  deps: Pick<GatewayDeps, 'log'>,
  failure: Failure,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const traceId = traceIdOf(request)
  const problem = problemOf(failure, request.url.split('?')[0], traceId)
  const fields = { reqId: request.id, traceId, code: failure.code }
  if (failure.code === 'INTERNAL') deps.log.error({ ...fields, err: failure.cause ?? failure }, 'request failed')
  else deps.log.debug({ ...fields, detail: failure.detail }, 'request refused')
  const retryAfter = retryAfterOf(failure)
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  if (failure.code === 'PAYLOAD_TOO_LARGE' && Number(request.headers['content-length']) <= DISCARDED_BYTES) {
    // Fastify would close, but a close on a client that still sends is a reset, and it never reads why. Without it Node
    // reads the rest and throws it away.
    reply.removeHeader('connection')
  }
  reply.code(problem.status)
  const { errors } = request.routeOptions.config
  if (errors !== undefined) {
    const body = errors === 'openai' ? openAiError(problem) : rpcErrorOf(problem)
    return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(body)
  }
  return reply.type(PROBLEM_JSON).serializer(JSON.stringify).send(problem)
}
