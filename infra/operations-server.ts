import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { Failure } from '../actors/kernel/failure.ts'
import type { HealthReport } from '../transports/gateway/health.ts'
import { type App, compilersFactory } from '../transports/gateway/http-server.ts'
import { operationRoutes } from '../transports/gateway/routes/operations.ts'

export interface OperationsServerParts {
  readonly host: string
  readonly port: number
  readonly version: string
  metricsText(): Promise<string>
  health(): Promise<HealthReport>
}

export interface OperationsServer {
  readonly url: string
  close(): Promise<void>
}

/** A body is no use to any of its routes. */
const BODY_BYTES = 1_024

/** /healthz, /readyz and /metrics of a process that is no gateway: the gateway's own three routes, and nothing else. */
export async function startOperationsServer({ host, port, version, ...asked }: OperationsServerParts) {
  const app: App = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    schemaController: { compilersFactory },
    // Whoever keeps a scrape's connection open must not hold up a stop.
    forceCloseConnections: true,
  }).withTypeProvider<ZodTypeProvider>()
  operationRoutes(app, { ...asked, config: { version } })
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Failure('PORT_IN_USE', `${host}:${port} is taken.`, { cause: error })
  }
  const bound = app.server.address() as AddressInfo
  const server: OperationsServer = {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    close: () => app.close(),
  }
  return server
}
